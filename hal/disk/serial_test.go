package disk

import (
	"path/filepath"
	"testing"
)

func TestWhereADiskTellsItsSerialNumber(t *testing.T) {
	const usb = "usb1/1-1/1-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb"
	tests := []struct {
		name, dir string
		files     map[string]string
		want      string
	}{
		{"NVMe", "nvme0n1", map[string]string{"nvme0n1/device/serial": "S4EV  "}, "S4EV"},
		{"virtio", "vda", map[string]string{"vda/serial": "VB1"}, "VB1"},
		{"SATA", "sda", map[string]string{"sda/device/vpd_pg80": "\x00\x80\x00\x0b    WD-12 3\x00"}, "WD-12 3"},
		{"a page of rubbish", "sda", map[string]string{"sda/device/vpd_pg80": "\x00\x80\x00\x02\x01\xff"}, ""},
		{"a page that is too short", "sda", map[string]string{"sda/device/vpd_pg80": "\x00"}, ""},
		{"a stick", usb, map[string]string{"usb1/1-1/idVendor": "0951", "usb1/1-1/serial": "60A44C", "usb1/serial": "the hub's"}, "60A44C"},
		{"a box that passes on the disk's", usb, map[string]string{usb + "/device/vpd_pg80": "\x00\x80\x00\x02D1", "usb1/1-1/idVendor": "1", "usb1/1-1/serial": "box"}, "D1"},
		{"a stick without one", usb, map[string]string{"usb1/1-1/idVendor": "0951", "usb1/idVendor": "1d6b", "usb1/serial": "the hub's"}, ""},
		{"nothing", "sda", nil, ""},
	}
	for _, tt := range tests {
		sys := sysfs(t, nil, tt.files)
		if got := read(filepath.Join(sys, tt.dir)).Serial; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
