package paths

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"sync"
	"time"
)

// certificates are what all servers show, and who vouches for it.
type certificates struct {
	leaf  tls.Certificate
	roots string // PEM
}

// authority makes them for the names of the endpoints of all services.
var authority = sync.OnceValue(func() certificates {
	now := time.Now()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "azaffinity paths CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootKey, leafKey := newKey(), newKey()
	root = sign(root, root, rootKey.Public(), rootKey)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, service := range services {
		for _, zone := range []string{"", home, away} {
			name := vpceName(service, zone)
			leaf.DNSNames = append(leaf.DNSNames, name, "*."+name, "*.bucket."+name)
		}
	}
	leaf = sign(leaf, root, leafKey.Public(), rootKey)
	var roots bytes.Buffer
	if err := pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}); err != nil {
		panic(err)
	}
	return certificates{tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: leafKey}, roots.String()}
})

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, private crypto.Signer) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, private)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}
