package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	putOne  = `{"client":1,"op":"put","key":"x","value":"1","call_ns":0,"return_ns":9,"result":{"status":"done"}}` + "\n"
	getOne  = `{"client":1,"op":"get","key":"x","call_ns":10,"return_ns":19,"result":{"status":"value","value":"1"}}` + "\n"
	getOpen = `{"client":1,"op":"get","key":"x","call_ns":5}` + "\n"
	getSoon = `{"client":1,"op":"get","key":"x","call_ns":8,"return_ns":19,"result":{"status":"value","value":"1"}}` + "\n"
	getNone = `{"client":1,"op":"get","key":"x","call_ns":10,"return_ns":19,"result":{"status":"missing"}}` + "\n"
)

// newTwice is a key that is put where there is none, twice, the second time so answered.
func newTwice(second string) string {
	const line = `{"client":1,"op":"putnew","key":"x","value":"1","call_ns":%d,"return_ns":%d,"result":{"status":%q}}` + "\n"
	return fmt.Sprintf(line, 0, 9, "done") + fmt.Sprintf(line, 10, 19, second)
}

func incrBy(status string) string {
	return `{"client":1,"op":"incrby","key":"n","value":"5","call_ns":20,"return_ns":29,"result":{"status":` + status + "}}\n"
}

func TestCheck(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.html")
	for _, c := range []struct {
		history string
		flags   string
		status  int
		want    string
	}{
		{putOne + getOne, "", 0, "ok: 2 operations"},
		{"", "", 2, "it holds no operation"},
		{putOne + getSoon, "", 2, "a client has one operation at a time: client 1: put"},
		{getSoon + putOne, "", 2, "a client has one operation at a time: client 1: put"},
		{putOne + strings.Replace(getSoon, `"client":1`, `"client":2`, 1), "", 0, "ok: 2 operations"},
		{getOpen + strings.Replace(getSoon, `"call_ns":8`, `"call_ns":9`, 1) + putOne, "", 0, "ok: 3 operations"}, // it gave one up
		{putOne + getNone, "--html " + page, 1, "not linearizable: key \"x\""},
		{newTwice("present") + incrBy(`"number","number":5`), "", 0, "ok: 3 operations"},
		{newTwice("done"), "", 1, "not linearizable: key \"x\""},
		{newTwice("present") + incrBy(`"number","number":1`), "", 1, "not linearizable: key \"n\""},
		{"x", "", 2, "line 1: invalid character"},
		{putOne, "--model register", 2, "a register has get, put and cas"},
		{putOne, "--model list", 2, "--model list: it is kv or register"},
		{putOne, "--format xml", 2, "--format xml: it is jsonl or jepsen"},
		{putOne, "--format jepsen", 2, "no event of Jepsen's in 1 lines"},
	} {
		args := append([]string{"check", file(t, "history.jsonl", c.history)}, strings.Fields(c.flags)...)
		r := paxos(t, args...)
		if r.status != c.status || !strings.Contains(r.stdout+r.stderr, c.want) {
			t.Errorf("%s %s: status %d, want %d; %q does not say %q", c.history, c.flags, r.status, c.status, r.stdout+r.stderr, c.want)
		}
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "missing") {
		t.Errorf("the page has %d bytes, %v", len(text), err)
	}
}
