package volume

import (
	"os"
	"path/filepath"
	"testing"
)

// sysTree builds a piece of /sys below a new directory: files by path, and
// links from dev/block/<number> to the device.
func sysTree(t *testing.T, links, files map[string]string) string {
	t.Helper()
	sys := t.TempDir()
	for path, content := range files {
		p := filepath.Join(sys, path)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range links {
		p := filepath.Join(sys, link)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(sys, to), p); err != nil {
			t.Fatal(err)
		}
	}
	return sys
}

func TestTheMediumIsReadAndNotGuessed(t *testing.T) {
	tests := []struct {
		name         string
		links, files map[string]string
		want         Geometry
		chunk        int64
	}{
		{"a partition of an SD card", map[string]string{"dev/block/8:1": "devices/mmcblk0/mmcblk0p2"}, map[string]string{
			"devices/mmcblk0/mmcblk0p2/partition": "2\n", "devices/mmcblk0/device/type": "SD\n",
			"devices/mmcblk0/device/preferred_erase_size": "4194304\n", "devices/mmcblk0/queue/rotational": "0\n"}, Geometry{SD, 4 * mib}, 4 * mib},
		{"an eMMC", map[string]string{"dev/block/8:1": "devices/mmcblk1"}, map[string]string{
			"devices/mmcblk1/device/type": "MMC\n", "devices/mmcblk1/device/preferred_erase_size": "524288\n"}, Geometry{EMMC, 512 << 10}, 4 * mib},
		{"an NVMe disk", map[string]string{"dev/block/8:1": "devices/nvme0n1"}, map[string]string{
			"devices/nvme0n1/queue/discard_granularity": "4096"}, Geometry{SSD, 4096}, 4 * mib},
		{"a SATA SSD", map[string]string{"dev/block/8:1": "devices/sda/sda1"}, map[string]string{
			"devices/sda/sda1/partition": "1", "devices/sda/queue/rotational": "0"}, Geometry{Medium: SSD}, 4 * mib},
		{"a spinning disk", map[string]string{"dev/block/8:1": "devices/sdb"}, map[string]string{"devices/sdb/queue/rotational": "1\n"}, Geometry{Medium: HDD}, 4 * mib},
		{"an encrypted SD card", map[string]string{"dev/block/8:1": "devices/dm-0", "devices/dm-0/slaves/mmcblk0p1": "devices/mmcblk0/mmcblk0p1"}, map[string]string{
			"devices/dm-0/queue/rotational": "1", "devices/mmcblk0/mmcblk0p1/partition": "1", "devices/mmcblk0/device/type": "SD"}, Geometry{Medium: SD}, 4 * mib},
		{"a disk with large erase blocks", map[string]string{"dev/block/8:1": "devices/sdc"}, map[string]string{
			"devices/sdc/queue/rotational": "0", "devices/sdc/queue/discard_granularity": "6291456"}, Geometry{SSD, 6 * mib}, 6 * mib},
		{"a loop device is what lies behind it", map[string]string{"dev/block/8:1": "devices/loop0"}, map[string]string{"devices/loop0/queue/rotational": "0"}, Geometry{Medium: Unknown}, 4 * mib},
		{"nonsense is no geometry", map[string]string{"dev/block/8:1": "devices/sdd"}, map[string]string{
			"devices/sdd/queue/rotational": "maybe", "devices/sdd/queue/discard_granularity": "-5"}, Geometry{Medium: Unknown}, 4 * mib},
		{"a device the kernel does not list", nil, nil, Geometry{Medium: Unknown}, 4 * mib},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := geometry(sysTree(t, tt.links, tt.files), 8, 1)
			if got != tt.want || got.chunk() != tt.chunk {
				t.Errorf("got %+v with chunks of %d, want %+v and %d", got, got.chunk(), tt.want, tt.chunk)
			}
		})
	}
}
