package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

const deployKey = "c2VjcmV0LWtleQ=="

// deployment is the programs of docs/connect.md and troupe, built, and where they run.
type deployment struct {
	*testing.T
	troupe, fromEnvironment, withTransport string
	dir                                    string // with key.txt, ca.pem, cert.pem and key.pem
	server, client                         string // network namespaces, "" for that of the test
}

func deploy(t *testing.T, ip net.IP) *deployment {
	t.Helper()
	d := &deployment{T: t, dir: t.TempDir()}
	page, err := os.ReadFile("../../docs/connect.md")
	if err != nil {
		t.Fatal(err)
	}
	programs := regexp.MustCompile("(?s)```go\n(package main\n.*?)```").FindAllSubmatch(page, -1)
	if len(programs) != 2 {
		t.Fatalf("docs/connect.md has %d programs", len(programs))
	}
	d.troupe = d.build("troupe", nil)
	d.fromEnvironment, d.withTransport = d.build("environment", programs[0][1]), d.build("transport", programs[1][1])
	d.write("key.txt", []byte(deployKey+"\n"))
	d.certify(ip)
	return d
}

func (d *deployment) write(name string, text []byte) {
	d.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), text, 0o600); err != nil {
		d.Fatal(err)
	}
}

// build builds a program of a page as if it were in this module, or cmd/troupe.
func (d *deployment) build(name string, source []byte) string {
	d.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		d.Fatal(err)
	}
	out, args, pkg := filepath.Join(d.dir, name+".exe"), []string{"build", "-buildvcs=false"}, "./cmd/troupe"
	if source != nil {
		d.write(name+".go", source)
		overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "internal", "e2e", "snippet", "main.go"): filepath.Join(d.dir, name+".go")}})
		if err != nil {
			d.Fatal(err)
		}
		d.write(name+".json", overlay)
		args, pkg = append(args, "-overlay", filepath.Join(d.dir, name+".json")), "./internal/e2e/snippet"
	}
	cmd := exec.CommandContext(d.Context(), "go", append(args, "-o", out, pkg)...)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		d.Fatalf("%v\n%s", err, text)
	}
	return out
}

// certify makes an authority of its own and a certificate for an address.
func (d *deployment) certify(ip net.IP) {
	d.Helper()
	keys := [2]*ecdsa.PrivateKey{}
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			d.Fatal(err)
		}
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "An authority of our own"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "collector"}, NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		IPAddresses: []net.IP{ip}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	ca, err := x509.CreateCertificate(rand.Reader, authority, authority, keys[0].Public(), keys[0])
	if err != nil {
		d.Fatal(err)
	}
	cert, err := x509.CreateCertificate(rand.Reader, leaf, authority, keys[1].Public(), keys[0])
	if err != nil {
		d.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(keys[1])
	if err != nil {
		d.Fatal(err)
	}
	d.write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca}))
	d.write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	d.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
}

// command returns a program that runs in a network namespace and in the folder, with
// nothing in its environment but what is given.
func (d *deployment) command(namespace, program string, args []string, env ...string) *exec.Cmd {
	if namespace != "" {
		program, args = "ip", append([]string{"netns", "exec", namespace, program}, args...)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = d.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.dir, "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"), "XDG_CACHE_HOME=" + d.TempDir(), "LocalAppData=" + d.TempDir()}, env...)
	return cmd
}

// serve runs troupe serve until the test ends, or stop is called, and returns its URL.
func (d *deployment) serve(args ...string) (url string, stop func()) {
	d.Helper()
	cmd := d.command(d.server, d.troupe, append([]string{"serve", "--data", d.TempDir(), "--api-key-file", "key.txt"}, args...))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
	d.Cleanup(stop)
	if err != nil {
		stop()
		d.Fatalf("troupe serve says %q: %s", line, &said)
	}
	url, _, _ = strings.Cut(strings.TrimPrefix(line, "collecting at "), " ")
	return url, stop
}

// log runs a program of the page and returns whether it succeeded and what it said.
func (d *deployment) log(program string, env ...string) (ok bool, said string) {
	text, err := d.command(d.client, program, nil, env...).CombinedOutput()
	return err == nil, string(text)
}

// wantStored checks with the command line that a program's trace has arrived.
func (d *deployment) wantStored(url string, env ...string) {
	d.Helper()
	cmd := d.command(d.client, d.troupe, []string{"show", "--repo", "my-agents", "--from", url}, append(env, "TROUPE_API_KEY="+deployKey)...)
	text, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "hello") {
		d.Errorf("troupe show: %v: %s", err, text)
	}
}

func TestACertificateOfOnesOwn(t *testing.T) {
	d := deploy(t, net.IPv4(127, 0, 0, 1))
	url, _ := d.serve("--addr", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Fatalf("it serves %s", url)
	}
	env := []string{"MAXIM_BASE_URL=" + url, "MAXIM_API_KEY=" + deployKey}
	if ok, said := d.log(d.withTransport, env...); !ok {
		t.Errorf("with Config.Transport: %s", said)
	}
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is not read on this system")
	}
	trusted := append(env, "SSL_CERT_FILE=ca.pem")
	d.wantStored(url, trusted...)
	if ok, said := d.log(d.fromEnvironment, trusted...); !ok {
		t.Errorf("with SSL_CERT_FILE: %s", said)
	}
	if ok, said := d.log(d.fromEnvironment, env...); ok || !strings.Contains(said, "certificate") {
		t.Errorf("without the authority: success %t: %s", ok, said)
	}
}

// TestLoggingFromAnotherNetwork is what a user does with a collector on another machine,
// by the page alone. Both have a network of their own with a cable between.
func TestLoggingFromAnotherNetwork(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("only root on Linux can make networks")
	}
	id := fmt.Sprintf("%x", os.Getpid()&0xffffff)
	d := deploy(t, net.IPv4(10, 77, 0, 2))
	d.server, d.client = "troupe-s"+id, "troupe-c"+id
	ip := func(args ...string) error {
		text, err := exec.CommandContext(context.Background(), "ip", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, text)
		}
		return nil
	}
	for _, namespace := range []string{d.server, d.client} {
		if err := ip("netns", "add", namespace); err != nil {
			t.Skipf("this system makes no networks: %v", err)
		}
		t.Cleanup(func() {
			if err := ip("netns", "del", namespace); err != nil {
				t.Error(err)
			}
		})
	}
	for _, args := range []string{
		"link add ts" + id + " netns " + d.server + " type veth peer name tc" + id + " netns " + d.client,
		"-n " + d.server + " addr add 10.77.0.2/24 dev ts" + id, "-n " + d.server + " link set ts" + id + " up",
		"-n " + d.client + " addr add 10.77.0.1/24 dev tc" + id, "-n " + d.client + " link set tc" + id + " up",
	} {
		if err := ip(strings.Fields(args)...); err != nil {
			t.Skipf("this system makes no networks: %v", err)
		}
	}

	url, stop := d.serve("--addr", "10.77.0.2:7780")
	env := []string{"MAXIM_BASE_URL=" + url, "MAXIM_API_KEY=" + deployKey}
	ok, said := d.log(d.fromEnvironment, env...)
	if ok || !strings.Contains(said, "AllowInsecure") || !strings.Contains(said, "$TROUPE_ALLOW_INSECURE=1") || strings.Contains(said, deployKey) {
		t.Errorf("without leave: success %t: %s", ok, said)
	}
	plain := append(env, "TROUPE_ALLOW_INSECURE=1") // as it says
	if ok, said := d.log(d.fromEnvironment, plain...); !ok {
		t.Errorf("over http: %s", said)
	}
	d.wantStored(url, plain...)
	stop()

	url, _ = d.serve("--addr", "10.77.0.2:7780", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	trusted := []string{"MAXIM_BASE_URL=" + url, "MAXIM_API_KEY=" + deployKey, "SSL_CERT_FILE=ca.pem"}
	if ok, said := d.log(d.fromEnvironment, trusted...); !ok {
		t.Errorf("over https: %s", said)
	}
	if ok, said := d.log(d.withTransport, trusted[:2]...); !ok {
		t.Errorf("over https with Config.Transport: %s", said)
	}
	d.wantStored(url, trusted...)
}
