package disk

import (
	"errors"
	"fmt"
	"unsafe"
)

// sgHeader is struct sg_io_hdr of scsi/sg.h.
type sgHeader struct {
	interfaceID    int32
	direction      int32
	commandLen     uint8
	senseLen       uint8
	_              uint16
	dataLen        uint32
	data           unsafe.Pointer
	command        unsafe.Pointer
	sense          unsafe.Pointer
	timeoutMS      uint32
	_              uint32
	_              int32
	_              unsafe.Pointer
	status         uint8
	_, _           uint8
	senseWritten   uint8
	hostStatus     uint16
	driverStatus   uint16
	_              int32
	_, information uint32
}

const (
	sgIO       = 0x2285
	sgNone     = -1
	sgFromDisk = -3
)

// ATA commands and their features.
const (
	ataCheckPower  = 0xe5
	ataReadLog     = 0x2f
	ataSMART       = 0xb0
	smartRead      = 0xd0
	smartStatus    = 0xda
	logStatistics  = 4
	pageSolidState = 7
)

var errNoATA = errors.New("not an ATA disk, or what it is plugged into does not pass the question on")

// ata sends a command through (ATA PASS-THROUGH (16), SAT-4 12.2.2) and returns
// the sector it reads, or else the registers afterwards.
func ata(fd int, command, features byte, count uint16, lba uint32, reads bool) (data, registers []byte, err error) {
	cdb := [16]byte{0: 0x85, 1: 3 << 1, 2: 0x20} // no data, registers wanted
	h := sgHeader{interfaceID: 'S', direction: sgNone, commandLen: 16, senseLen: 32, timeoutMS: 5000}
	if reads {
		data = make([]byte, 512)
		cdb[1], cdb[2] = 4<<1, 0x0e // from the disk, blocks counted in the sector count
		h.direction, h.dataLen, h.data = sgFromDisk, uint32(len(data)), unsafe.Pointer(&data[0])
	}
	cdb[4], cdb[5], cdb[6] = features, byte(count>>8), byte(count)
	cdb[8], cdb[10], cdb[12] = byte(lba), byte(lba>>8), byte(lba>>16)
	cdb[14] = command
	sense := make([]byte, 32)
	h.command, h.sense = unsafe.Pointer(&cdb[0]), unsafe.Pointer(&sense[0])
	if _, err := pass(fd, sgIO, unsafe.Pointer(&h)); err != nil {
		return nil, nil, err
	}
	if reads {
		if h.status != 0 || h.hostStatus != 0 || h.driverStatus != 0 {
			return nil, nil, fmt.Errorf("%w (command %#x, sense key %#x)", errNoATA, command, sense[1]&0x0f|sense[2]&0x0f)
		}
		return data, nil, nil
	}
	// Registers come as a descriptor of type 9 in sense data of format 72h.
	if sense[0]&0x7f != 0x72 || sense[8] != 0x09 {
		return nil, nil, errNoATA
	}
	registers = sense[8:22]
	if registers[13]&0x01 != 0 { // the error bit of the status
		return nil, nil, fmt.Errorf("the command %#x was refused", command)
	}
	return data, registers, nil
}

// ataHealth asks a SATA disk, unless it sleeps.
func ataHealth(fd int) (Health, error) {
	_, r, err := ata(fd, ataCheckPower, 0, 0, 0, false)
	if err != nil {
		return Health{}, err
	}
	if mode := r[5]; mode == 0x00 || mode == 0x01 { // standby
		return unknown("the disk sleeps, and is not woken to be asked"), nil
	}
	const signature = 0xc24f00
	_, r, err = ata(fd, ataSMART, smartStatus, 0, signature, false)
	if err != nil {
		return Health{}, err
	}
	failing := r[9] == 0xf4 && r[11] == 0x2c
	data, _, err := ata(fd, ataSMART, smartRead, 1, signature, true)
	if err != nil {
		return Health{}, err
	}
	used := -1
	if page, _, err := ata(fd, ataReadLog, 0, 1, pageSolidState<<8|logStatistics, true); err == nil {
		used = parseEndurance(page) // not all disks have it
	}
	return parseATA(data, failing, used), nil
}
