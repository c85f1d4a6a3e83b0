package transparency_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/soquy/soquy/eventstore/transparency"
)

// sofa is the example of C2SP tlog-checkpoint.
const sofa = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

func TestCheckpointBody(t *testing.T) {
	c, err := transparency.ParseCheckpoint(sofa)
	if err != nil || c.Origin != "example.com/behind-the-sofa" || c.Size != 20852163 || c.Body() != sofa {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := transparency.ParseCheckpoint("o\n0\n" + transparency.EmptyRoot().String() + "\n"); err != nil {
		t.Error(err)
	}
	const root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
	for _, body := range []string{
		"", "\n", "\n\n\n", "o\n1\n", "o\n1\n" + root, "\n1\n" + root + "\n",
		"o\n1\n" + root + "\n\n", "o\n1\n" + root + "\nextension\n",
		"o\n01\n" + root + "\n", "o\n+1\n" + root + "\n", "o\n-1\n" + root + "\n", "o\n-0\n" + root + "\n",
		"o\n\n" + root + "\n", "o\n1 \n" + root + "\n", "o\n0x1\n" + root + "\n", "o\n1_0\n" + root + "\n",
		"o\n9223372036854775808\n" + root + "\n", "o\n9223372036854775807\n" + root + "\n",
		"o\n1\n" + root + "\r\n", "o\r\n1\n" + root + "\n", "o\n1\n" + root[:20] + "\r" + root[20:] + "\n",
		"o\n1\n" + root[:43] + "\n", "o\n1\n" + root[:42] + "J=\n", "o\n1\nAAAA\n", "o\n1\n" + strings.ReplaceAll(root, "/", "_") + "\n",
		"a b\n1\n" + root + "\n", "a+b\n1\n" + root + "\n", " o\n1\n" + root + "\n",
	} {
		if c, err := transparency.ParseCheckpoint(body); !errors.Is(err, transparency.ErrMalformed) || c != (transparency.Checkpoint{}) {
			t.Errorf("%q is %+v, %v", body, c, err)
		}
	}
}

func TestValidOrigin(t *testing.T) {
	for origin, valid := range map[string]bool{
		"example.org/soquy/KH": true, "soquy.invalid/0197a7c2-8b1e-7c3a-9d52-6f0e4a1b2c3d": true, "x": true, "Điện-Biên": true,
		strings.Repeat("x", 255): true, strings.Repeat("x", 256): false,
		"": false, "a b": false, "a+b": false, "a\nb": false, "a\u00a0b": false, "a\u2003b": false, "a\x00": false, "a\x7f": false, "a\u0085": false, "a\xff": false,
	} {
		if err := transparency.ValidOrigin(origin); (err == nil) != valid {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

func newKey(t testing.TB, origin string) (s note.Signer, vkey string) {
	t.Helper()
	skey, vkey, err := transparency.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	s, err = transparency.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return s, vkey
}

func TestSignCheckpoint(t *testing.T) {
	const origin = "example.org/soquy/KH"
	s, vkey := newKey(t, origin)
	_, otherKey := newKey(t, origin)
	foreign, foreignKey := newKey(t, "example.org/other")
	c := transparency.Checkpoint{Origin: origin, Size: 123, Root: leaf(7)}
	signed, err := transparency.SignCheckpoint(c, s)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(signed, []byte(c.Body()+"\n— "+origin+" ")) {
		t.Errorf("note is %s", signed)
	}
	if got, err := transparency.OpenCheckpoint(signed, vkey); err != nil || got != c {
		t.Errorf("%+v, %v", got, err)
	}

	open := func(what string, note []byte, key string, want error) {
		t.Helper()
		got, err := transparency.OpenCheckpoint(note, key)
		if err == nil || got != (transparency.Checkpoint{}) || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %+v, %v, want %v", what, got, err, want)
		}
	}
	open("another key", signed, otherKey, transparency.ErrNotSigned)
	open("a foreign key", signed, foreignKey, transparency.ErrNotSigned)
	open("no key", signed, "x", nil)
	open("no note", []byte(c.Body()), vkey, transparency.ErrMalformed)
	open("nothing", nil, vkey, transparency.ErrMalformed)
	open("another size", bytes.Replace(signed, []byte("\n123\n"), []byte("\n124\n"), 1), vkey, transparency.ErrSignature)
	foreignNote, err := note.Sign(&note.Note{Text: c.Body()}, foreign)
	if err != nil {
		t.Fatal(err)
	}
	open("signed with a foreign key", foreignNote, foreignKey, transparency.ErrOrigin)
	longer, err := note.Sign(&note.Note{Text: c.Body() + "extension\n"}, s)
	if err != nil {
		t.Fatal(err)
	}
	open("an extension", longer, vkey, transparency.ErrMalformed)
	for i := range signed {
		bad := bytes.Clone(signed)
		bad[i] ^= 1
		got, err := transparency.OpenCheckpoint(bad, vkey)
		// The note package ignores the last bits of base64, which say
		// nothing.
		if lastDigit := i == len(signed)-len("=\n")-1; err == nil && (got != c || !lastDigit) {
			t.Errorf("with byte %d flipped: %+v", i, got)
		}
	}

	if _, err := transparency.SignCheckpoint(c, foreign); !errors.Is(err, transparency.ErrOrigin) {
		t.Errorf("sign with a foreign key: %v", err)
	}
	for _, c := range []transparency.Checkpoint{{Origin: "", Size: 1}, {Origin: origin, Size: -1}, {Origin: "a b"}} {
		if _, err := transparency.SignCheckpoint(c, s); err == nil {
			t.Errorf("%+v is signed", c)
		}
	}
	if _, _, err := transparency.GenerateKey(rand.Reader, "a b"); err == nil {
		t.Error("a key with a blank in its name")
	}
	if _, err := transparency.NewSigner("PRIVATE+KEY+x"); err == nil {
		t.Error("a broken key is taken")
	}
}

// realNote is a checkpoint of a staging log for Certificate Transparency, with
// the signatures of witnesses whose keys are public.
const realNote = `arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
`

// What others have signed is what we verify.
func TestRealNote(t *testing.T) {
	c, err := transparency.OpenCheckpoint([]byte(realNote), "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f")
	if err != nil || c.Size != 1432088532 {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, vkey := range []string{
		"remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
		"witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
		"witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
		"transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
	} {
		v, err := transparency.NewCosignatureVerifier(vkey)
		if err != nil {
			t.Fatal(err)
		}
		got, at, err := transparency.OpenCosigned([]byte(realNote), v)
		if err != nil || got != c || at.Unix() != 0x6a122120 {
			t.Errorf("%s: %+v at %v, %v", v.Name(), got, at, err)
		}
		bad := strings.Replace(realNote, "1432088532", "1432088533", 1)
		if _, _, err := transparency.OpenCosigned([]byte(bad), v); !errors.Is(err, transparency.ErrSignature) {
			t.Errorf("%s: another size: %v", v.Name(), err)
		}
	}
}

func TestCosignMessage(t *testing.T) {
	// C2SP tlog-cosignature, Ed25519 signed message
	want := "cosignature/v1\ntime 1679315147\n" + sofa
	if got := string(transparency.CosignMessage(sofa, 1679315147)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCosign(t *testing.T) {
	const origin = "example.org/soquy/KH"
	s, logKey := newKey(t, origin)
	skey, vkey, err := transparency.GenerateCosignerKey(rand.Reader, "auditor.example")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1679315147, 5).UTC()
	cosigner, err := transparency.NewCosigner(skey, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	v, err := transparency.NewCosignatureVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	var _ note.Signer = cosigner
	var _ note.Verifier = v
	if cosigner.KeyHash() != v.KeyHash() || cosigner.Name() != "auditor.example" || v.Name() != "auditor.example" {
		t.Errorf("%s+%08x and %s+%08x", cosigner.Name(), cosigner.KeyHash(), v.Name(), v.KeyHash())
	}

	c := transparency.Checkpoint{Origin: origin, Size: 5, Root: leaf(5)}
	signed, err := transparency.SignCheckpoint(c, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := transparency.OpenCosigned(signed, v); !errors.Is(err, transparency.ErrNotSigned) {
		t.Errorf("before: %v", err)
	}
	cosigned, err := transparency.Cosign(signed, logKey, cosigner)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(cosigned, signed) {
		t.Errorf("the note was\n%s\nand is\n%s", signed, cosigned)
	}
	if got, err := transparency.OpenCheckpoint(cosigned, logKey); err != nil || got != c {
		t.Errorf("as a checkpoint: %+v, %v", got, err)
	}
	if got, at, err := transparency.OpenCosigned(cosigned, v); err != nil || got != c || !at.Equal(now.Truncate(time.Second)) {
		t.Errorf("%+v at %v, %v", got, at, err)
	}

	now = now.Add(time.Hour)
	again, err := transparency.Cosign(cosigned, logKey, cosigner)
	if err != nil || len(again) != len(cosigned) {
		t.Errorf("again: %v\n%s", err, again)
	}
	if _, at, err := transparency.OpenCosigned(again, v); err != nil || at.Unix() != now.Unix() {
		t.Errorf("again: at %v, %v", at, err)
	}

	for i := len(signed); i < len(cosigned); i++ {
		bad := bytes.Clone(cosigned)
		bad[i] ^= 1
		if got, at, err := transparency.OpenCosigned(bad, v); err == nil {
			t.Errorf("with byte %d flipped: %+v at %v", i, got, at)
		}
	}

	if _, err := transparency.Cosign([]byte(realNote), logKey, cosigner); !errors.Is(err, transparency.ErrNotSigned) {
		t.Errorf("of another log: %v", err)
	}
	if _, err := cosigner.Sign([]byte(c.Body() + "extension\n")); !errors.Is(err, transparency.ErrMalformed) {
		t.Errorf("an extension: %v", err)
	}
	now = time.Unix(-1, 0)
	if _, err := cosigner.Sign([]byte(c.Body())); err == nil {
		t.Error("before 1970")
	}
}

func TestCosignerKeys(t *testing.T) {
	skey, vkey, err := transparency.GenerateCosignerKey(rand.Reader, "auditor.example")
	if err != nil {
		t.Fatal(err)
	}
	logSkey, logKey, err := transparency.GenerateKey(rand.Reader, "auditor.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.NewVerifier(vkey); err == nil {
		t.Error("a cosigner's key passes for a log's")
	}
	parts := strings.SplitN(vkey, "+", 3)
	for _, key := range []string{
		"", "x", logKey, "a b+" + parts[1] + "+" + parts[2], "other+" + parts[1] + "+" + parts[2],
		parts[0] + "+00000000+" + parts[2], parts[0] + "+" + parts[1], parts[0] + "+" + parts[1] + "+", parts[0] + "+" + parts[1] + "+AA==", parts[0] + "+0+" + parts[2],
		vkey + "A", skey,
	} {
		if _, err := transparency.NewCosignatureVerifier(key); err == nil {
			t.Errorf("the public key %q is taken", key)
		}
	}
	for _, key := range []string{"", "PRIVATE+KEY+", vkey, logSkey, "PRIVATE+KEY+" + vkey, strings.Replace(skey, "auditor", "visitor", 1)} {
		_, err := transparency.NewCosigner(key, time.Now)
		if err == nil {
			t.Errorf("the key %q is taken", key)
		} else if _, secret, _ := strings.Cut(key, "example+"); len(secret) > 9 && strings.Contains(err.Error(), secret[9:]) {
			t.Errorf("the error has the key in it: %v", err)
		}
	}
	if _, _, err := transparency.GenerateCosignerKey(rand.Reader, "a+b"); err == nil {
		t.Error("a key with a plus in its name")
	}
	// A key that has pluses in its base64.
	if _, err := transparency.NewCosignatureVerifier("remora.n621.de+da77ade7+" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, 33))); err == nil || strings.Contains(err.Error(), "malformed key") {
		t.Errorf("pluses in base64: %v", err)
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add(sofa)
	f.Add("o\n0\n\n")
	f.Fuzz(func(t *testing.T, body string) {
		c, err := transparency.ParseCheckpoint(body)
		if err == nil && c.Body() != body {
			t.Errorf("%q is read, and written %q", body, c.Body())
		}
	})
}

func TestCheckpointRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := transparency.Checkpoint{
			Origin: rapid.StringMatching(`[a-z0-9./-]{1,40}`).Draw(t, "origin"),
			Size:   rapid.Int64Range(0, transparency.MaxSize).Draw(t, "size"),
			Root:   leaf(rapid.Int64().Draw(t, "root")),
		}
		if got, err := transparency.ParseCheckpoint(c.Body()); err != nil || got != c {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func BenchmarkSignCheckpoint(b *testing.B) {
	s, _ := newKey(b, "example.org/soquy/KH")
	c := transparency.Checkpoint{Origin: "example.org/soquy/KH", Size: 123456789, Root: leaf(1)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := transparency.SignCheckpoint(c, s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenCheckpoint(b *testing.B) {
	s, vkey := newKey(b, "example.org/soquy/KH")
	signed, err := transparency.SignCheckpoint(transparency.Checkpoint{Origin: "example.org/soquy/KH", Size: 123456789, Root: leaf(1)}, s)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := transparency.OpenCheckpoint(signed, vkey); err != nil {
			b.Fatal(err)
		}
	}
}
