package card

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// ext4Bytes returns the size of the ext4 file system on a device, as its superblock
// has it (kernel document filesystems/ext4, super block).
func ext4Bytes(node string) (int64, error) {
	f, err := os.Open(node)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	b := make([]byte, 1024)
	if _, err := f.ReadAt(b, 1024); err != nil {
		return 0, err
	}
	n, err := parseExt4(b)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", node, err)
	}
	return n, nil
}

// parseExt4 reads a superblock of 1024 bytes.
func parseExt4(b []byte) (int64, error) {
	const (
		low, logBlock, magic, incompat, high = 0x04, 0x18, 0x38, 0x60, 0x150
		has64bit                             = 0x80
	)
	blocks, shift := uint64(little.Uint32(b[low:])), little.Uint32(b[logBlock:])
	if little.Uint16(b[magic:]) != 0xef53 || shift > 6 {
		return 0, errors.New("no ext4")
	}
	if little.Uint32(b[incompat:])&has64bit != 0 {
		blocks |= uint64(little.Uint32(b[high:])) << 32
	}
	if blocks > 1<<40 {
		return 0, fmt.Errorf("ext4 of %d blocks", blocks)
	}
	return int64(blocks) << (10 + shift), nil
}

// gist returns what a program said on one line, at most 300 bytes of it.
func gist(said string) string {
	line := strings.Join(strings.Fields(said), " ")
	return strings.ToValidUTF8(line[:min(len(line), 300)], "")
}
