package board

// RPi4 is the Raspberry Pi 4 Model B. It has no button: one goes on the header, by
// the configuration. The watchdog of the BCM2711 waits 15 s at most.
func RPi4() Board {
	return Board{
		ID:         "rpi4",
		Name:       "Raspberry Pi 4",
		Compatible: []string{"raspberrypi,4-model-b"},
		LEDs: []LED{
			{Name: "status", Label: "ACT", Color: "green", Role: "status", Kernel: []string{"ACT", "led0"}},
			{Name: "fault", Label: "PWR", Color: "red", Role: "fault", Kernel: []string{"PWR", "led1"}},
		},
		Watchdog: "/dev/watchdog0",
		Bays:     []Bay{{"USB 3 (blue)", "usb"}},
	}
}
