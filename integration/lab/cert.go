package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// CA is the certificate authority of the lab, and of this lab only.
func (l *Lab) CA() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(l.ca.cert)
	return pool
}

// CAPEM is the certificate of the lab's authority as PEM, for what takes a file (AWS_CA_BUNDLE).
func (l *Lab) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.ca.cert.Raw})
}

type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate

	wrong *tls.Certificate // for a name that nobody asks for
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &authority{key: key}
	a.cert, err = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "azaffinity lab CA"},
		IsCA:    true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, key)
	if err != nil {
		return nil, err
	}
	a.wrong, err = a.issue("wrong.lab.invalid")
	return a, err
}

func (a *authority) issue(names ...string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leaf, err := a.sign(&x509.Certificate{
		DNSNames: names, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

func (a *authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(30*24*time.Hour)
	parent := a.cert
	if parent == nil {
		parent = template // the CA itself
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// certificateNames are the names in an endpoint's certificate. A wildcard in a certificate covers one label, so S3, whose bucket is a label in front
// of the endpoint's name, has its own for every name of the endpoint; the others share one for the Region.
func (l *Lab) certificateNames(e *endpoint) []string {
	names := l.hosts(e)
	if e.Hosts != nil {
		return names // a partner's certificate is his own, for his own names
	}
	if !e.wildcard {
		return append(names, "*"+e.tail)
	}
	bases := []string{e.name("")}
	for _, z := range e.zones {
		bases = append(bases, e.name(z.Name))
	}
	for _, base := range bases {
		for _, kind := range []string{"bucket", "accesspoint", "control"} {
			names = append(names, kind+"."+base, "*."+kind+"."+base)
		}
	}
	return names
}
