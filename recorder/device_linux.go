package recorder

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// device returns the number of the device that path lies on.
func device(path string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, fmt.Errorf("stat %s: %w", path, err)
	}
	return uint64(st.Dev), nil
}
