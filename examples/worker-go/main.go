// Command worker-go is an AI worker with a toy detector: it finds the block
// that moves through the picture of the simulated camera. See ../README.md.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"vedette/perception/worker"
	"vedette/perception/worker/example"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "worker-go:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("worker-go", flag.ContinueOnError)
	address := flags.String("url", os.Getenv("VEDETTE_URL"), "address of the box; default $VEDETTE_URL")
	id := flags.String("id", "", "name of this worker; default: host and process")
	types := flags.String("types", "detection", "types of tasks to take, with commas between")
	ca := flags.String("ca", "", "file with the certificate of the box, or of who signed it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client, err := newClient(*ca)
	if err != nil {
		return err
	}
	// The key comes by the environment: arguments can be read by everybody.
	return worker.Run(ctx, worker.Options{
		URL: *address, Key: os.Getenv("VEDETTE_KEY"), WorkerID: *id, TaskTypes: strings.Split(*types, ","),
		HTTPClient: client, Handle: example.New().Handle, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}

// newClient returns a client that trusts the certificates in a file, or nil
// without one.
func newClient(file string) (*http.Client, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport}, nil
}
