package board

// QEMUVirt is the emulator's machine "virt", on which the board lab runs. It has
// the lights and buttons that its device tree is given.
func QEMUVirt() Board {
	return Board{
		ID:         "qemuvirt",
		Name:       "QEMU virt",
		Compatible: []string{"linux,dummy-virt"},
		LEDs: []LED{
			{Name: "status", Label: "Status", Color: "green", Role: "status", Kernel: []string{"green:status"}},
			{Name: "fault", Label: "Fault", Color: "red", Role: "fault", Kernel: []string{"red:fault"}},
		},
		Buttons:  []Button{{Name: "main", Label: "Power", Input: []string{"gpio-keys"}}},
		Watchdog: "/dev/watchdog0",
		Bays:     []Bay{{"virtio", "virtio"}},
	}
}
