package board

// Sim is the simulated board that development runs use: its lights, button
// and watchdog are fakes that the panel shows.
func Sim() Board {
	return Board{
		ID:   "sim",
		Name: "Simulated board",
		LEDs: []LED{
			{Name: "status", Label: "Status", Color: "green", Role: "status"},
			{Name: "fault", Label: "Fault", Color: "red", Role: "fault"},
			{Name: "disk", Label: "Disk", Color: "amber", Role: "disk"},
		},
		Buttons: []Button{{Name: "main", Label: "Button"}},
	}
}
