package outfile

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// Temp returns a temporary file that is gone when it is closed, however the process
// ends.
func Temp() (*os.File, error) {
	name := filepath.Join(os.TempDir(), hiddenPrefix+randomName()+PartSuffix)
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	h, err := windows.CreateFile(p, windows.GENERIC_READ|windows.GENERIC_WRITE, windows.FILE_SHARE_DELETE, nil,
		windows.CREATE_NEW, windows.FILE_ATTRIBUTE_TEMPORARY|windows.FILE_FLAG_DELETE_ON_CLOSE, 0)
	if err != nil {
		return nil, &os.PathError{Op: "create", Path: name, Err: err}
	}
	return os.NewFile(uintptr(h), name), nil
}
