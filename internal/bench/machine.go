package bench

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
)

// machine describes the computer, as far as it tells.
func machine() string {
	s := fmt.Sprintf("%d × %s", runtime.NumCPU(), processor())
	if kilobytes := field("/proc/meminfo", "MemTotal"); kilobytes != "" {
		if n, err := strconv.ParseInt(string(bytes.TrimSuffix([]byte(kilobytes), []byte(" kB"))), 10, 64); err == nil {
			s += fmt.Sprintf(", %.0f GB", float64(n<<10)/1e9)
		}
	}
	return s + fmt.Sprintf(", %s/%s, %s", runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func processor() string {
	if name := field("/proc/cpuinfo", "model name"); name != "" {
		return name
	}
	return runtime.GOARCH
}

// field is the first value of a name in a file of Linux that tells of the machine; "" when there is none.
func field(path, name string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(raw) {
		if key, value, ok := bytes.Cut(line, []byte(":")); ok && string(bytes.TrimSpace(key)) == name {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}
