package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"vedette/firmware/durable"
)

// The files. A certificate and its key are one file, so that a power cut cannot
// part them.
const (
	fileCA       = "ca.pem"
	fileOwn      = "own.pem"
	fileGiven    = "given.pem"
	fileFetched  = "acme.pem"
	fileAccount  = "account.pem" // the key of the ACME account alone
	fileSettings = "settings.json"
)

const (
	table     = "certs"   // of what is sealed
	fileBytes = 512 << 10 // the most that is read of a file

	blockCertificate = "CERTIFICATE"
	blockKey         = "PRIVATE KEY"
	blockSealed      = "SEALED PRIVATE KEY"
	// headDirectory names the ACME server that issued; on the block of the key,
	// because OpenSSL wants none on a certificate's.
	headDirectory = "Directory"
)

// store is the directory. Calls for one file must not run at once.
type store struct {
	dir  string
	seal Sealer // nil = plain
}

func (s store) prepare() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(s.dir, 0o700)
}

func (s store) path(name string) string { return filepath.Join(s.dir, name) }

func (s store) exists(name string) bool {
	_, err := os.Lstat(s.path(name))
	return err == nil
}

// read returns a file, os.ErrNotExist or ErrDamaged if it is too long.
func (s store) read(name string) ([]byte, error) {
	f, err := os.Open(s.path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, fileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > fileBytes {
		return nil, fmt.Errorf("%s: %w: too long", name, ErrDamaged)
	}
	return data, nil
}

// load reads certificate and key. Its errors are os.ErrNotExist, ErrDamaged,
// ErrSealed and those of the disk. A key that lies there in plain is taken; the next
// save seals it.
func (s store) load(name string) (*pair, error) {
	data, err := s.read(name)
	if err != nil {
		return nil, err
	}
	damaged := func(what string) error { return fmt.Errorf("%s: %w: %s", name, ErrDamaged, what) }
	p := &pair{}
	var key []byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case blockCertificate:
			p.chain = append(p.chain, block.Bytes)
		case blockKey:
			key, p.directory = block.Bytes, block.Headers[headDirectory]
		case blockSealed:
			if s.seal == nil {
				return nil, fmt.Errorf("%s: %w", name, ErrSealed)
			}
			if key, err = s.seal.Open(table, name, "key", block.Bytes); err != nil {
				return nil, fmt.Errorf("%s: %w: %w", name, ErrSealed, err)
			}
			p.directory = block.Headers[headDirectory]
		}
	}
	if key == nil {
		return nil, damaged("it holds no key")
	}
	if p.key, err = parseKey(key); err != nil {
		return nil, damaged("the key cannot be read")
	}
	if len(p.chain) == 0 && name != fileAccount {
		return nil, damaged("it holds no certificate")
	}
	if err := p.complete(); err != nil {
		return nil, damaged(err.Error())
	}
	return p, nil
}

// save writes certificate and key, durably and as one.
func (s store) save(name string, p *pair) error {
	key, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return fmt.Errorf("encode the key of %s: %w", name, err)
	}
	block := &pem.Block{Type: blockKey, Bytes: key}
	if s.seal != nil {
		if block.Bytes, err = s.seal.Seal(table, name, "key", key); err != nil {
			return fmt.Errorf("seal the key of %s: %w", name, err)
		}
		block.Type = blockSealed
	}
	if p.directory != "" {
		block.Headers = map[string]string{headDirectory: p.directory}
	}
	return durable.WriteFile(s.path(name), append(encodeChain(p.chain), pem.EncodeToMemory(block)...))
}

func encodeChain(chain [][]byte) []byte {
	var out bytes.Buffer
	for _, der := range chain {
		_ = pem.Encode(&out, &pem.Block{Type: blockCertificate, Bytes: der}) // a buffer takes all
	}
	return out.Bytes()
}

// parseKey reads a private key in any of the forms that programs write.
func parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errors.New("unknown form of a key")
}

// settings is what is kept of Settings, and what belongs to it.
type settings struct {
	Mode     Mode   `json:"mode"`
	HSTS     bool   `json:"hsts,omitempty"`
	ACME     ACME   `json:"acme,omitzero"` // without the secret
	Secret   string `json:"-"`             // DNS.KeySecret
	Plain    string `json:"key_secret,omitempty"`
	Sealed   []byte `json:"sealed_key_secret,omitempty"`
	Previous Mode   `json:"previous,omitempty"` // whose certificate is used until ACME delivers
}

// loadSettings reads the settings; known is false if there are none yet.
func (s store) loadSettings(to *settings) (known bool, err error) {
	data, err := s.read(fileSettings)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var in settings
	if err := json.Unmarshal(data, &in); err != nil || !in.Mode.valid() {
		return false, fmt.Errorf("%s: %w: no settings", fileSettings, ErrDamaged)
	}
	in.Secret = in.Plain
	if len(in.Sealed) > 0 {
		if s.seal == nil {
			return false, fmt.Errorf("%s: %w", fileSettings, ErrSealed)
		}
		secret, err := s.seal.Open(table, fileSettings, "key_secret", in.Sealed)
		if err != nil {
			return false, fmt.Errorf("%s: %w: %w", fileSettings, ErrSealed, err)
		}
		in.Secret = string(secret)
	}
	in.Plain, in.Sealed = "", nil
	*to = in
	return true, nil
}

// saveSettings writes the settings durably.
func (s store) saveSettings(from *settings) error {
	out := *from
	if out.Secret != "" && s.seal != nil {
		var err error
		if out.Sealed, err = s.seal.Seal(table, fileSettings, "key_secret", []byte(out.Secret)); err != nil {
			return fmt.Errorf("seal the secret of the DNS key: %w", err)
		}
	} else {
		out.Plain = out.Secret
	}
	data, err := json.MarshalIndent(out, "", "\t")
	if err != nil {
		return fmt.Errorf("encode %s: %w", fileSettings, err)
	}
	return durable.WriteFile(s.path(fileSettings), append(data, '\n'))
}
