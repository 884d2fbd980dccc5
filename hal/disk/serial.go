package disk

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
)

// serial returns the serial number of the disk in a directory of sysfs, "" if it
// has none: NVMe and cards tell it beside the device, virtio beside the disk,
// SATA and SCSI in a page of their own, sticks and USB boxes above.
func serial(dir string) string {
	return cmp.Or(word(dir, "device/serial"), word(dir, "serial"), unitSerial(dir), usbSerial(dir))
}

// unitSerial reads the page of unit serial numbers: four bytes, and the text
// (SPC-4, 7.8.15).
func unitSerial(dir string) string {
	page, err := os.ReadFile(filepath.Join(dir, "device", "vpd_pg80"))
	if err != nil || len(page) < 4 {
		return ""
	}
	text := strings.TrimSpace(strings.Trim(string(page[4:]), "\x00\n"))
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "" // nobody could type it
	}
	return text
}

// maxAbove is how far above a disk its USB device is looked for.
const maxAbove = 8

// usbSerial returns the serial number of the USB device that the disk is in,
// which all slots of a card reader have in common.
func usbSerial(dir string) string {
	for range maxAbove {
		if dir = filepath.Dir(dir); word(dir, "idVendor") != "" {
			return word(dir, "serial")
		}
	}
	return ""
}
