package board

// ROCK5B is Radxa's board with the RK3588. Its button is the power key of the
// RK806.
func ROCK5B() Board {
	return Board{
		ID:         "rock5b",
		Name:       "ROCK 5B",
		Compatible: []string{"radxa,rock-5b"},
		LEDs:       []LED{{Name: "status", Label: "Status", Color: "blue", Role: "status", Kernel: []string{"blue:status"}}},
		Buttons:    []Button{{Name: "main", Label: "Power", Input: []string{"rk805 pwrkey"}}},
		Watchdog:   "/dev/watchdog0",
		Bays:       []Bay{{"M.2 (NVMe)", "nvme"}, {"USB 3 (blue)", "usb"}},
	}
}
