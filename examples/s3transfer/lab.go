package main

import (
	"crypto/rand"
	"io"
	"log"
	"os"
	"sync"

	"github.com/azaffinity/azaffinity/examples/internal/inlab"
	"github.com/azaffinity/azaffinity/integration/lab"
)

// size is that of a file of four parts.
const size = 32 << 20

// inLab transfers a file of random bytes, unless one is named, and has the endpoints in the home zone go down half-way.
func (t *transfer) inLab(v *inlab.VPC) error {
	if t.path == "" {
		dir, err := os.MkdirTemp("", "azaffinity-s3transfer-*")
		if err != nil {
			return err
		}
		if t.path, err = random(dir); err != nil {
			return err
		}
	}
	var once sync.Once
	t.progress = func(upload bool, done, total int64) {
		report(upload, done, total)
		if 2*done >= total {
			once.Do(func() {
				log.Printf("by zone so far: %v", v.Requests())
				log.Print(v.Home.Name, " is down")
				if err := v.Fault(v.Home.Name, lab.Refuse); err != nil {
					log.Print(err)
				}
			})
		}
		if !upload && done == total {
			log.Printf("by zone in all: %v", v.Requests())
		}
	}
	return nil
}

// random makes a file of random bytes in the directory.
func random(dir string) (path string, err error) {
	file, err := os.CreateTemp(dir, "*.bin")
	if err != nil {
		return "", err
	}
	defer file.Close()
	if _, err = io.CopyN(file, rand.Reader, size); err != nil {
		return "", err
	}
	return file.Name(), file.Close()
}
