package memory

import (
	"testing"
	"testing/fstest"
)

func TestMemoryIsWhatTheKernelSays(t *testing.T) {
	proc := func(s string) fstest.MapFS { return fstest.MapFS{"meminfo": {Data: []byte(s)}} }
	f, err := Read(proc("MemTotal:         505856 kB\nMemFree:           12000 kB\nMemAvailable:     300000 kB\nHugePages_Total:       0\n"))
	if err != nil || f.Total != 505856*1024 || f.Available != 300000*1024 {
		t.Errorf("%+v, %v", f, err)
	}
	for _, s := range []string{"", "MemTotal: 5 kB\n", "MemTotal: x kB\nMemAvailable: -1 kB\n"} {
		if f, err := Read(proc(s)); err == nil {
			t.Errorf("%q is %+v", s, f)
		}
	}
	if _, err := Read(fstest.MapFS{}); err == nil {
		t.Error("without the file there is memory")
	}
}
