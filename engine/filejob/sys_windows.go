package filejob

import "io/fs"

// umask returns 0: Windows has no file mode creation mask.
func umask() fs.FileMode { return 0 }

// syncDir does nothing: Windows keeps directories in order by itself.
func syncDir(string) {}
