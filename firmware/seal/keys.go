package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
)

const (
	keyBytes = 32
	idBytes  = 8 // enough that no two keys ever have the same

	fileMagic   = "VEDKEY"
	fileVersion = 1
	fileHead    = len(fileMagic) + 2 // version, number of keys
	fileMost    = fileHead + 2*keyBytes + crc32.Size
)

// key is one device key.
type key struct {
	raw  [keyBytes]byte
	id   [idBytes]byte // names it in what it sealed
	aead cipher.AEAD
}

func makeKey(raw [keyBytes]byte) *key {
	sum := sha256.Sum256(append([]byte("vedette device key id"), raw[:]...))
	block, err := aes.NewCipher(raw[:])
	if err != nil {
		panic(err) // the size of the key is right
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // the size of the block is right
	}
	return &key{raw: raw, id: [idBytes]byte(sum[:]), aead: aead}
}

func newKey() *key {
	var raw [keyBytes]byte
	rand.Read(raw[:]) // never fails
	return makeKey(raw)
}

// ring is the keys in the key file.
type ring struct {
	current *key // seals and opens
	old     *key // opens alone; nil unless a rotation has not ended
}

func (r ring) find(id [idBytes]byte) *key {
	for _, k := range []*key{r.current, r.old} {
		if k != nil && k.id == id {
			return k
		}
	}
	return nil
}

// encode returns the content of the key file.
func (r ring) encode() []byte {
	out := append([]byte(fileMagic), fileVersion, 1)
	out = append(out, r.current.raw[:]...)
	if r.old != nil {
		out[len(fileMagic)+1] = 2
		out = append(out, r.old.raw[:]...)
	}
	return binary.BigEndian.AppendUint32(out, crc32.Checksum(out, crc32.MakeTable(crc32.Castagnoli)))
}

// decode reads the content of a key file.
func decode(data []byte) (ring, error) {
	if len(data) < fileHead+crc32.Size || string(data[:len(fileMagic)]) != fileMagic {
		return ring{}, errors.New("it is no key file")
	}
	if v := data[len(fileMagic)]; v != fileVersion {
		return ring{}, fmt.Errorf("its format is version %d, and this program knows %d", v, fileVersion)
	}
	n := int(data[len(fileMagic)+1])
	body, sum := data[:len(data)-crc32.Size], data[len(data)-crc32.Size:]
	if n < 1 || n > 2 || len(body) != fileHead+n*keyBytes ||
		crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(sum) {
		return ring{}, errors.New("it is damaged")
	}
	r := ring{current: makeKey([keyBytes]byte(body[fileHead:]))}
	if n == 2 {
		r.old = makeKey([keyBytes]byte(body[fileHead+keyBytes:]))
	}
	return r, nil
}

// load reads the key file, and makes one if there is none. Its name is durable then: one
// that a killed process left might not be, and would be missed after a power cut.
func load(f files) (ring, error) {
	data, err := f.read(KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(f); err != nil {
			return ring{}, fmt.Errorf("make %s: %w", KeyFile, err)
		}
		data, err = f.read(KeyFile)
	}
	if err == nil {
		err = f.sync()
	}
	if err != nil {
		return ring{}, fmt.Errorf("read %s: %w", KeyFile, err)
	}
	r, err := decode(data)
	if err != nil {
		return ring{}, fmt.Errorf("%w: %s: %w; put a copy in its place, or restore a backup", ErrKeyFile, KeyFile, err)
	}
	return r, nil
}

// temporary is the name of a key file that is being written.
const temporary = KeyFile + ".new"

// create makes a key file; one that is there already stays, whoever made it. A power cut
// leaves a whole one or none. The order is: all of it under the other name, its sync, the
// name; the directory is left to load.
func create(f files) error {
	unlock, err := f.lock() // others use the same other name
	if err != nil {
		return err
	}
	defer unlock()
	if err := stage(f, ring{current: newKey()}); err != nil {
		return err
	}
	if err := f.link(temporary, KeyFile); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return f.remove(temporary)
}

// replace gives the key file other keys. A power cut leaves the file before or after.
func replace(f files, r ring) error {
	err := stage(f, r)
	if err == nil {
		err = f.rename(temporary, KeyFile)
	}
	if err == nil {
		err = f.sync()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", KeyFile, err)
	}
	return nil
}

// stage writes a key file under the other name. What a power cut left there goes first: it
// may be a second name of the key file itself.
func stage(f files, r ring) error {
	if err := f.remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f.create(temporary, r.encode())
}
