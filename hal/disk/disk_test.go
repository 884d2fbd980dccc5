package disk

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sysfs builds a tree of the kernel's: files, and links by number to a device.
func sysfs(t *testing.T, links, files map[string]string) string {
	t.Helper()
	sys := t.TempDir()
	make := func(path string) string {
		p := filepath.Join(sys, path)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for path, content := range files {
		if err := os.WriteFile(make(path), []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range links {
		if err := os.Symlink(filepath.Join(sys, to), make(from)); err != nil {
			t.Fatal(err)
		}
	}
	return sys
}

func TestADiskIsFoundBehindPartitionsAndLayers(t *testing.T) {
	sys := sysfs(t, map[string]string{
		"dev/block/179:2":                       "devices/mmc/mmcblk0/mmcblk0p2",
		"dev/block/254:0":                       "devices/virtual/dm-0",
		"devices/virtual/dm-0/slaves/nvme0n1p1": "devices/pci/nvme0n1/nvme0n1p1",
		"dev/block/9:0":                         "devices/virtual/md0",
		"devices/virtual/md0/slaves/sda":        "devices/pci/sda",
		"devices/virtual/md0/slaves/sdb":        "devices/pci/sdb",
	}, map[string]string{
		"devices/mmc/mmcblk0/mmcblk0p2/partition":         "2",
		"devices/mmc/mmcblk0/size":                        "62333952",
		"devices/mmc/mmcblk0/ro":                          "0",
		"devices/mmc/mmcblk0/removable":                   "1",
		"devices/mmc/mmcblk0/queue/rotational":            "0",
		"devices/mmc/mmcblk0/queue/discard_max_bytes":     "4194304",
		"devices/mmc/mmcblk0/queue/discard_granularity":   "4194304",
		"devices/mmc/mmcblk0/device/type":                 "SD",
		"devices/mmc/mmcblk0/device/name":                 "SE32G",
		"devices/mmc/mmcblk0/device/serial":               "0x1234",
		"devices/mmc/mmcblk0/device/preferred_erase_size": "4194304",
		"devices/mmc/mmcblk0/stat":                        "1 2 3 4 5 6 2048 8 9 10 11",
		"devices/pci/nvme0n1/nvme0n1p1/partition":         "1",
		"devices/pci/nvme0n1/device/model":                "Samsung SSD 980 ",
		"devices/pci/sda/size":                            "1",
		"devices/pci/sdb/size":                            "1",
	})
	dir, err := find(sys, 179, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := Info{Name: "mmcblk0", Kind: SD, Model: "SE32G", Serial: "0x1234", Bytes: 62333952 * 512, Removable: true, Discard: 4 << 20, EraseBlock: 4 << 20}
	if i := read(dir); i != want {
		t.Errorf("the card is %+v, want %+v", i, want)
	}
	if n, ok := written(dir); !ok || n != 1<<20 {
		t.Errorf("written %d, %v; want a MiB", n, ok)
	}
	dir, err = find(sys, 254, 0)
	if err != nil {
		t.Fatal(err)
	}
	if i := read(dir); i.Name != "nvme0n1" || i.Kind != NVMe || i.Model != "Samsung SSD 980" {
		t.Errorf("below the mapper: %+v", i)
	}
	if _, ok := written(dir); ok {
		t.Error("written is known without a counter")
	}
	if _, err := find(sys, 9, 0); err == nil || !strings.Contains(err.Error(), "md0 is 2 disks") {
		t.Errorf("two disks in one: %v", err)
	}
	if _, err := find(sys, 0, 25); err == nil {
		t.Error("tmpfs has a disk")
	}
}

func TestCardsTellTheirWear(t *testing.T) {
	tests := []struct {
		life, eol string
		status    Status
		used      int
	}{
		{"0x01 0x01", "0x01", Good, 10},
		{"0x02 0x05", "0x01", Good, 50},
		{"0x09 0x01", "0x01", Worn, 90},
		{"0x02 0x02", "0x02", Worn, 20},
		{"0x02 0x02", "0x03", Failing, 20},
		{"0x0b 0x0b", "", Worn, 110},
		{"0x00 0x00", "0x00", StatusUnknown, -1},
		{"", "", StatusUnknown, -1},
		{"0xff", "", StatusUnknown, -1},
		{"much", "", StatusUnknown, -1},
	}
	for _, tt := range tests {
		h := parseEMMC(tt.life, tt.eol)
		used := -1
		if h.UsedPercent != nil {
			used = *h.UsedPercent
		}
		if h.Status != tt.status || used != tt.used || h.Status != Good && h.Reason == "" {
			t.Errorf("%q %q: %+v, used %d; want %s, %d", tt.life, tt.eol, h, used, tt.status, tt.used)
		}
	}
}

// nvmePage is a log of a disk with so much wear.
func nvmePage(warning, spare, used byte) []byte {
	p := make([]byte, nvmeLogBytes)
	p[0], p[3], p[4], p[5] = warning, spare, 5, used
	binary.LittleEndian.PutUint16(p[1:], 273+41)
	binary.LittleEndian.PutUint64(p[48:], 2_000_000) // 1.024 TB
	return p
}

func TestNVMeTellsItsWear(t *testing.T) {
	tests := []struct {
		name   string
		page   []byte
		status Status
		reason string
	}{
		{"new", nvmePage(0, 100, 0), Good, ""},
		{"nine tenths used", nvmePage(0, 100, 90), Worn, "90 % of its rated life"},
		{"beyond its life", nvmePage(0, 100, 255), Worn, "255 %"},
		{"few spares", nvmePage(0, 10, 1), Worn, "10 % of its spare"},
		{"below its limit", nvmePage(1, 3, 1), Failing, "spare blocks"},
		{"read-only", nvmePage(8, 100, 1), Failing, "read-only"},
		{"hot alone is no failure", nvmePage(2, 100, 1), Good, ""},
		{"no spares are counted", slices.Concat(nvmePage(0, 0, 1)[:4], []byte{0}, nvmePage(0, 0, 1)[5:]), Good, ""},
		{"a short page", make([]byte, 100), StatusUnknown, "short"},
	}
	for _, tt := range tests {
		h := parseNVMe(tt.page)
		if h.Status != tt.status || !strings.Contains(h.Reason, tt.reason) {
			t.Errorf("%s: %s (%s), want %s (%s)", tt.name, h.Status, h.Reason, tt.status, tt.reason)
		}
	}
	h := parseNVMe(nvmePage(0, 100, 7))
	if *h.Temperature != 41 || *h.Written != 1_024_000_000_000 || *h.UsedPercent != 7 || *h.SparePercent != 100 {
		t.Errorf("%+v: %d °C, %d bytes", h, *h.Temperature, *h.Written)
	}
}

// ataPage is a table with these attributes.
func ataPage(attributes map[byte]uint64) []byte {
	p, i := make([]byte, 512), 2
	for id, raw := range attributes {
		p[i] = id
		binary.LittleEndian.PutUint32(p[i+5:], uint32(raw))
		binary.LittleEndian.PutUint16(p[i+9:], uint16(raw>>32))
		i += 12
	}
	for _, b := range p[:511] {
		p[511] -= b
	}
	return p
}

func TestSATATellsItsWear(t *testing.T) {
	whole := map[byte]uint64{attrTemperature: 35, attrWritten: 1 << 33, attrReallocated: 3}
	torn := ataPage(map[byte]uint64{attrPending: 9})
	torn[500]++
	tests := []struct {
		name    string
		page    []byte
		failing bool
		used    int
		status  Status
	}{
		{"a good disk", ataPage(whole), false, -1, Good},
		{"it says that it fails", ataPage(whole), true, -1, Failing},
		{"sectors that cannot be read", ataPage(map[byte]uint64{attrPending: 1}), false, -1, Failing},
		{"many that were replaced", ataPage(map[byte]uint64{attrReallocated: 101}), false, -1, Failing},
		{"worn flash", ataPage(whole), false, 95, Worn},
		{"a table that is not whole is not believed", torn, false, -1, Good},
	}
	for _, tt := range tests {
		if h := parseATA(tt.page, tt.failing, tt.used); h.Status != tt.status {
			t.Errorf("%s: %+v, want %s", tt.name, h, tt.status)
		}
	}
	h := parseATA(ataPage(whole), false, 4)
	if *h.Temperature != 35 || *h.Written != 1<<42 || *h.UsedPercent != 4 {
		t.Errorf("%+v", h)
	}
	page := make([]byte, 512)
	page[2], page[8], page[15] = 7, 12, 0xc0
	if got := parseEndurance(page); got != 12 {
		t.Errorf("used %d, want 12", got)
	}
	for _, bad := range [][]byte{nil, page[:15], make([]byte, 512)} {
		if got := parseEndurance(bad); got != -1 {
			t.Errorf("used %d of a page that does not say", got)
		}
	}
}

func TestLifeLeft(t *testing.T) {
	percent := func(n int) *int { return &n }
	bytes := func(n int64) *int64 { return &n }
	const rate = 4_000_000 // 126 TB a year: eight cameras of 4 Mb/s
	tests := []struct {
		name      string
		i         Info
		h         Health
		rate      float64
		years     float64
		estimated bool
		known     bool
	}{
		{"a card of 128 GB", Info{Kind: SD, Bytes: 128e9}, Health{}, rate, 0.89, true, true},
		{"an SSD of 1 TB", Info{Kind: SCSI, Bytes: 1e12}, Health{}, rate, 2.85, true, true},
		{"eMMC half used", Info{Kind: EMMC, Bytes: 64e9}, Health{UsedPercent: percent(50)}, rate, 0.22, true, true},
		{"NVMe that tells what it took", Info{Kind: NVMe, Bytes: 1e12}, Health{UsedPercent: percent(10), Written: bytes(100e12)}, rate, 7.13, false, true},
		{"one percent is too coarse", Info{Kind: NVMe, Bytes: 1e12}, Health{UsedPercent: percent(1), Written: bytes(1e12)}, rate, 2.82, true, true},
		{"past its life", Info{Kind: NVMe, Bytes: 1e12}, Health{UsedPercent: percent(120), Written: bytes(900e12)}, rate, 0, false, true},
		{"a hard disk does not wear so", Info{Kind: SCSI, Bytes: 4e12, Rotational: true}, Health{}, rate, 0, false, false},
		{"nothing is written", Info{Kind: SD, Bytes: 128e9}, Health{}, 0, 0, false, false},
		{"no disk", Info{Kind: Virtual, Bytes: 128e9}, Health{}, rate, 0, false, false},
	}
	for _, tt := range tests {
		l, known := LifeLeft(tt.i, tt.h, tt.rate)
		if known != tt.known || l.Estimated != tt.estimated || math.Abs(l.Years-tt.years) > 0.01 {
			t.Errorf("%s: %+v, %v; want %v years", tt.name, l, known, tt.years)
		}
	}
}

func TestWhatHoldsADirectoryIsToldOrRefused(t *testing.T) {
	d, err := Of(t.TempDir())
	if err != nil {
		t.Logf("no disk: %v", err) // an overlay, say: a reason is enough
		return
	}
	if h := d.Health(); h.Status == "" || h.Status != Good && h.Reason == "" {
		t.Errorf("%+v has the health %+v", d.Info, h)
	}
	if _, err := Of(filepath.Join(t.TempDir(), "gone")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
}

func FuzzParsers(f *testing.F) {
	f.Add(nvmePage(1, 2, 3), "0x01 0x02", "0x01")
	f.Add(ataPage(map[byte]uint64{attrWritten: 5}), "", "0xffff")
	f.Fuzz(func(t *testing.T, page []byte, life, eol string) {
		for _, h := range []Health{parseNVMe(page), parseATA(page, false, parseEndurance(page)), parseEMMC(life, eol)} {
			if h.Status == "" || h.Status != Good && h.Reason == "" {
				t.Errorf("%+v", h)
			}
			for _, i := range []Info{{Kind: NVMe, Bytes: 1 << 40}, {Kind: SCSI, Bytes: math.MaxInt64}} {
				if l, ok := LifeLeft(i, h, 1); ok && (l.Years < 0 || math.IsNaN(l.Years)) {
					t.Errorf("%+v lasts %v years", h, l.Years)
				}
			}
		}
	})
}
