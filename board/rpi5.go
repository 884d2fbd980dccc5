package board

// RPi5 is the Raspberry Pi 5. Its one light is green and red, its button is the
// one that switches on. The vendor's kernel and the public one name the
// button differently.
func RPi5() Board {
	return Board{
		ID:         "rpi5",
		Name:       "Raspberry Pi 5",
		Compatible: []string{"raspberrypi,5-model-b"},
		LEDs: []LED{
			{Name: "status", Label: "Status", Color: "green", Role: "status", Kernel: []string{"ACT"}},
			{Name: "fault", Label: "Status", Color: "red", Role: "fault", Kernel: []string{"PWR"}},
		},
		Buttons:  []Button{{Name: "main", Label: "Power", Input: []string{"pwr_button", "gpio-keys"}}},
		Watchdog: "/dev/watchdog0",
		Bays:     []Bay{{"PCIe (NVMe)", "nvme"}, {"USB 3 (blue)", "usb"}},
	}
}
