package alpine

import (
	"archive/tar"
	"bytes"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1" // for crypto.SHA1
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
)

// keys are those by whose signatures a repository is trusted.
type keys []*rsa.PublicKey

// parseKeys reads public keys in the PEM format.
func parseKeys(texts []string) (keys, error) {
	var list keys
	for i, text := range texts {
		block, rest := pem.Decode([]byte(text))
		if block == nil {
			return nil, fmt.Errorf("key %d is not a public key in the PEM format", i+1)
		}
		for ; block != nil; block, rest = pem.Decode(rest) {
			key, err := parseKey(block)
			if err != nil {
				return nil, fmt.Errorf("key %d: %v", i+1, err)
			}
			list = append(list, key)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no key is given to check the repositories' signatures with")
	}
	return list, nil
}

func parseKey(block *pem.Block) (*rsa.PublicKey, error) {
	if block.Type == "RSA PUBLIC KEY" {
		return x509.ParsePKCS1PublicKey(block.Bytes)
	}
	if block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("a PEM block of type %q, not a public key", block.Type)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	k, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("it is not an RSA key")
	}
	return k, nil
}

// signature is one file of a signature member. Its name is .SIGN, the kind and the name of the key,
// with dots between them.
type signature struct {
	hash    crypto.Hash
	keyName string
	value   []byte
}

// signatureHashes tells by the kind of an RSA signature what was signed: a digest of the data.
var signatureHashes = map[string]crypto.Hash{
	"RSA": crypto.SHA1, "RSA256": crypto.SHA256, "RSA512": crypto.SHA512,
}

// cutSignatures cuts the signature member off the file of an index or a package.
func cutSignatures(file []byte) (list []signature, rest []byte, err error) {
	content, _, rest, err := cutMember(file, maxSignature)
	if err != nil {
		return nil, nil, err
	}
	list, err = parseSignatures(content)
	return list, rest, err
}

// parseSignatures reads an unpacked signature member. Signatures of other kinds are left out.
func parseSignatures(member []byte) ([]signature, error) {
	var list []signature
	other := ""
	for t := tar.NewReader(bytes.NewReader(member)); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, damaged(err)
		}
		name, ok := strings.CutPrefix(h.Name, ".SIGN.")
		if !ok || h.Typeflag != tar.TypeReg {
			continue
		}
		kind, keyName, _ := strings.Cut(name, ".")
		hash, ok := signatureHashes[kind]
		if !ok {
			other = kind
			continue
		}
		value, err := io.ReadAll(t)
		if err != nil {
			return nil, damaged(err)
		}
		list = append(list, signature{hash, keyName, value})
	}
	if list == nil && other != "" {
		return nil, fmt.Errorf("its signature is of the unknown kind %.20q", other)
	}
	if list == nil {
		return nil, errors.New("it is not signed")
	}
	return list, nil
}

// verify checks that one of the signatures is of one of the keys and of the data.
func (k keys) verify(list []signature, data []byte) error {
	var names []string
	for _, s := range list {
		h := s.hash.New()
		h.Write(data)
		digest := h.Sum(nil)
		for _, key := range k {
			if rsa.VerifyPKCS1v15(key, s.hash, digest, s.value) == nil {
				return nil
			}
		}
		names = append(names, fmt.Sprintf("%.80q", s.keyName))
	}
	return fmt.Errorf("its signature, which names the key %s, is not by any of the keys given", strings.Join(names, ", "))
}
