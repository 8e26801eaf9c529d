package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fauer4effect/paxos/protocol/live"
)

// The files in docs/deploy are checked here. They are read as their readers would, and every
// command line in them is given to the flags of this program.

const deploy = "../../docs/deploy"

func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deploy, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// understood fails unless the program takes a command line as far as its flags go. It returns
// what became of them.
func understood(t *testing.T, command string, args []string) map[string]string {
	t.Helper()
	c, rest, err := rootCommand().Find(args)
	if err != nil || c.Name() != command {
		t.Fatalf("paxos %q: %v", args, err)
	}
	if err := c.ParseFlags(rest); err != nil {
		t.Fatalf("paxos %q: %v", args, err)
	}
	if err := c.ValidateArgs(c.Flags().Args()); err != nil {
		t.Fatalf("paxos %q: %v", args, err)
	}
	flags := map[string]string{}
	for _, name := range []string{"port", "hosts", "id", "data", "client", "metrics", "log", "key-file", "shard", "jobs", "out", "seeds"} {
		if f := c.Flags().Lookup(name); f != nil {
			flags[name] = f.Value.String()
		}
	}
	return flags
}

// seconds fails unless an end in good order fits, with what comes before it.
func seconds(t *testing.T, what string, given, before time.Duration) {
	t.Helper()
	if least := before + giveWayLimit + drainLimit; given <= least {
		t.Errorf("%s: %v are given, and an end in good order may take %v", what, given, least)
	}
}

func TestSystemdUnit(t *testing.T) {
	text := strings.ReplaceAll(deployed(t, "paxos.service"), "\\\n", " ")
	setting := func(name string) string {
		for line := range strings.Lines(text) {
			if value, ok := strings.CutPrefix(line, name+"="); ok {
				return strings.TrimSpace(value)
			}
		}
		t.Fatalf("it sets no %s", name)
		return ""
	}
	words := strings.Fields(strings.ReplaceAll(setting("ExecStart"), "%d", "/run/credentials"))
	understood(t, "serve", words[1:])
	stop, err := strconv.Atoi(setting("TimeoutStopSec"))
	if err != nil {
		t.Fatal(err)
	}
	seconds(t, "TimeoutStopSec", time.Duration(stop)*time.Second, 0)
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit := file(t, "paxos.service", strings.ReplaceAll(text, "/usr/local/bin/paxos", self))
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestDockerfile(t *testing.T) {
	text := strings.ReplaceAll(deployed(t, "Dockerfile"), "\\\n", " ")
	var entry, command []string
	var recipe string
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case name == "ENTRYPOINT" || name == "CMD":
			to := &command
			if name == "ENTRYPOINT" {
				to = &entry
			}
			if err := json.Unmarshal([]byte(rest), to); err != nil {
				t.Fatalf("%s %s: %v", name, rest, err)
			}
		case name == "RUN" && strings.Contains(rest, "go build"):
			recipe = rest
		case name == "FROM" && strings.HasPrefix(rest, "golang:"):
			version, _, _ := strings.Cut(strings.TrimPrefix(rest, "golang:"), " ")
			if module, err := os.ReadFile("../../go.mod"); err != nil || !strings.Contains(string(module), "\ngo "+version+".") {
				t.Errorf("it builds with Go %s, and go.mod says otherwise (%v)", version, err)
			}
		}
		if name == "CMD" && len(entry) == 0 { // the stage for sweeps
			understood(t, "sweep", command[1:])
		}
	}
	if len(entry) != 1 || filepath.Base(entry[0]) != "paxos" {
		t.Errorf("its entry is %q", entry)
	}
	understood(t, "serve", command)
	if testing.Short() {
		return
	}
	out := filepath.Join(t.TempDir(), "paxos")
	build := exec.Command("sh", "-c", strings.ReplaceAll(recipe, "/out/paxos", out))
	build.Dir = "../.."
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", recipe, err, text)
	}
	if text, err := exec.Command(out, "version").CombinedOutput(); err != nil {
		t.Errorf("what it builds: %v\n%s", err, text)
	}
}

// manifest is what is looked at of Kubernetes' objects.
type manifest struct {
	Kind string
	Data map[string]string
	Spec struct {
		ServiceName, PodManagementPolicy, CompletionMode, ClusterIP string
		PublishNotReadyAddresses                                    bool
		Replicas, Completions                                       int
		Ordinals                                                    struct{ Start int }
		Template                                                    struct{ Spec pod }
	}
}

type pod struct {
	TerminationGracePeriodSeconds int
	Containers                    []container
}

type container struct {
	Command, Args []string
	Env           []struct{ Name, Value string }
	Ports         []struct {
		Name          string
		ContainerPort int
	}
	StartupProbe, LivenessProbe, ReadinessProbe struct {
		HTTPGet struct{ Path, Port string }
	}
	Lifecycle struct {
		PreStop struct{ Sleep struct{ Seconds int } }
	}
}

// UnmarshalYAML takes names as Kubernetes writes them: yaml.v3 wants lower case.
func (m *manifest) UnmarshalYAML(n *yaml.Node) error {
	var tree any
	if err := n.Decode(&tree); err != nil {
		return err
	}
	text, err := json.Marshal(tree) // whose decoder does not mind the case
	if err != nil {
		return err
	}
	type plain manifest
	return json.Unmarshal(text, (*plain)(m))
}

func manifests(t *testing.T, name string) map[string]manifest {
	t.Helper()
	all := map[string]manifest{}
	for d := yaml.NewDecoder(strings.NewReader(deployed(t, name))); ; {
		var m manifest
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil || m.Kind == "" {
			t.Fatalf("%s: %q, %v", name, m.Kind, err)
		}
		if _, twice := all[m.Kind]; !twice { // the first Service is the headless one
			all[m.Kind] = m
		}
	}
}

func TestStatefulSet(t *testing.T) {
	all := manifests(t, "statefulset.yaml")
	set := all["StatefulSet"].Spec
	hosts, err := live.ReadHosts(strings.NewReader(all["ConfigMap"].Data["hosts"]))
	if err != nil || len(hosts) != set.Replicas || all["PodDisruptionBudget"].Kind == "" {
		t.Fatalf("%d replicas, of the hosts %v, %v; its objects are %v", set.Replicas, hosts, err, all)
	}
	if service := all["Service"].Spec; set.PodManagementPolicy != "Parallel" || service.ClusterIP != "None" || !service.PublishNotReadyAddresses {
		t.Error("its servers would wait for each other for ever")
	}
	p := set.Template.Spec
	c := p.Containers[0]
	for i, h := range hosts {
		ordinal := set.Ordinals.Start + i
		if want := fmt.Sprintf("paxos-%d.%s", ordinal, set.ServiceName); h.Name != want || ordinal != i+1 {
			t.Errorf("pod %s, with --id %d, is line %d of the host file, %s", want, ordinal, i+1, h)
		}
		args := slices.Clone(c.Args)
		for j := range args {
			args[j] = strings.ReplaceAll(args[j], "$(ORDINAL)", strconv.Itoa(ordinal))
		}
		flags := understood(t, "serve", args)
		for _, port := range c.Ports {
			given := map[string]string{"paxos": ":" + flags["port"], "redis": flags["client"], "metrics": flags["metrics"]}[port.Name]
			if given != fmt.Sprintf(":%d", port.ContainerPort) {
				t.Errorf("port %s is %d, and the server's is %s", port.Name, port.ContainerPort, given)
			}
		}
	}
	if c.StartupProbe.HTTPGet.Path != "/healthz" || c.LivenessProbe.HTTPGet.Path != "/healthz" || c.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Errorf("its probes are %+v", c)
	}
	seconds(t, "terminationGracePeriodSeconds", time.Duration(p.TerminationGracePeriodSeconds)*time.Second, time.Duration(c.Lifecycle.PreStop.Sleep.Seconds)*time.Second)
}

// ran runs a shell with a program called paxos that tells its arguments, and returns them.
func ran(t *testing.T, env []string, shell ...string) []string {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "paxos"), []byte("#!/bin/sh\nprintf '%s\\n' \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(shell[0], shell[1:]...)
	c.Env = append(env, "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%q: %v", shell, err)
	}
	var args []string
	for s := bufio.NewScanner(strings.NewReader(string(out))); s.Scan(); {
		args = append(args, s.Text())
	}
	return args
}

// A sweep's pods take the shards from the first to the last.
func TestSweepJob(t *testing.T) {
	job := manifests(t, "sweep-job.yaml")["Job"].Spec
	c := job.Template.Spec.Containers[0]
	if job.CompletionMode != "Indexed" || len(c.Env) != 1 || c.Env[0].Name != "SHARDS" || c.Env[0].Value != strconv.Itoa(job.Completions) {
		t.Errorf("%d pods: %+v", job.Completions, c)
	}
	for index := range job.Completions {
		env := []string{fmt.Sprintf("JOB_COMPLETION_INDEX=%d", index), "SHARDS=" + c.Env[0].Value}
		flags := understood(t, "sweep", ran(t, env, c.Command...))
		if want := fmt.Sprintf("%d/%d", index+1, job.Completions); flags["shard"] != want || flags["out"] != fmt.Sprintf("/failures/shard-%d", index+1) {
			t.Errorf("pod %d sweeps %v", index, flags)
		}
	}
}

func TestSlurmArray(t *testing.T) {
	script := filepath.Join(deploy, "sweep-array.sh")
	if out, err := exec.Command("bash", "-n", script).CombinedOutput(); err != nil {
		t.Fatalf("bash -n: %v\n%s", err, out)
	}
	array := regexp.MustCompile(`(?m)^#SBATCH --array=1-(\d+)$`).FindStringSubmatch(deployed(t, "sweep-array.sh"))
	if array == nil {
		t.Fatal("its array does not count from 1")
	}
	task := func(id, from, to string) []string {
		return []string{"SLURM_ARRAY_TASK_ID=" + id, "SLURM_ARRAY_TASK_MIN=" + from, "SLURM_ARRAY_TASK_MAX=" + to, "SLURM_ARRAY_TASK_COUNT=" + array[1], "SLURM_ARRAY_JOB_ID=7", "SLURM_CPUS_PER_TASK=2"}
	}
	for _, id := range []string{"1", array[1]} {
		flags := understood(t, "sweep", ran(t, task(id, "1", array[1]), "bash", script))
		if flags["shard"] != id+"/"+array[1] || flags["jobs"] != "2" || flags["out"] != "failures/7/shard-"+id {
			t.Errorf("task %s sweeps %v", id, flags)
		}
	}
	gap := exec.Command("bash", script)
	gap.Env = append(task("0", "0", array[1]), "PATH="+os.Getenv("PATH"))
	if out, err := gap.CombinedOutput(); gap.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "shards count from 1") {
		t.Errorf("an array that counts from 0: %v\n%s", err, out)
	}
}
