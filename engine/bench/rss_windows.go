package bench

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

var getProcessMemoryInfo = windows.NewLazySystemDLL("kernel32.dll").NewProc("K32GetProcessMemoryInfo")

// memoryCounters is PROCESS_MEMORY_COUNTERS of the Windows API.
type memoryCounters struct {
	size, pageFaults    uint32
	peakWorkingSet      uintptr
	workingSet          uintptr
	pagedPool           [4]uintptr // peak and current paged, peak and current non-paged
	pagefile, peakPaged uintptr
}

// PeakRSS returns this process's largest working set so far in bytes, 0 where
// it cannot be told.
func PeakRSS() int64 {
	c := memoryCounters{size: uint32(unsafe.Sizeof(memoryCounters{}))}
	if getProcessMemoryInfo.Find() != nil {
		return 0
	}
	ok, _, _ := getProcessMemoryInfo.Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&c)), uintptr(c.size))
	if ok == 0 {
		return 0
	}
	return int64(c.peakWorkingSet)
}

func childPeakRSS(*os.ProcessState) int64 { return 0 }
