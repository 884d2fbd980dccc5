package board

// ROCKPro64 is Pine64's board with the RK3399: NVMe, or SATA through an adapter,
// in its PCIe slot.
func ROCKPro64() Board {
	return Board{
		ID:         "rockpro64",
		Name:       "ROCKPro64",
		Compatible: []string{"pine64,rockpro64"},
		LEDs: []LED{
			{Name: "status", Label: "Work", Color: "white", Role: "status", Kernel: []string{"work"}},
			{Name: "fault", Label: "DIY", Color: "red", Role: "fault", Kernel: []string{"diy"}},
		},
		Buttons:  []Button{{Name: "main", Label: "Power", Input: []string{"gpio-keys"}}},
		Watchdog: "/dev/watchdog0",
		Bays:     []Bay{{"PCIe (NVMe)", "nvme"}, {"PCIe (SATA)", "sata"}, {"USB 3 (blue)", "usb"}},
	}
}
