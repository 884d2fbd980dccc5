package sampler

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// I/O priority (kernel document block/ioprio): the class in the upper bits.
const (
	ioProcess = 1 // IOPRIO_WHO_PROCESS
	ioIdle    = 3 << 13
)

// Bounds of a child beside its memory.
const (
	niceness   = 19
	cpuSeconds = 6 * 3600 // longer than childLife: a stop for what nobody watches
	openFiles  = 64
	oomScore   = "1000" // the first to go when memory runs out
)

// nobody is who a child runs as where this process is root: what cameras send is
// not to be trusted.
const nobody = 65534

// videoNode is a hardware decoder, as Linux names the first one.
const videoNode = "/dev/video10"

// separate puts a child into a process group of its own, takes root from it, and
// has it die with this process. The goroutine that starts it has to stay on its
// thread until it ended. With hardware it may open the board's decoders.
func separate(hardware bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		return attr
	}
	attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	for _, name := range []string{videoNode, "/dev/video0"} {
		var st unix.Stat_t
		if hardware && unix.Stat(name, &st) == nil {
			attr.Credential.Groups = []uint32{st.Gid}
			break
		}
	}
	return attr
}

// restrain bounds a child that has been given nothing to do yet: memory bytes of
// data, no files written, no core, and everything else of the board before it.
func restrain(pid int, memory uint64) error {
	err := limit(pid, memory)
	if errors.Is(err, unix.EPERM) && os.Geteuid() == 0 {
		// Root of a container may not always limit somebody else, who may
		// limit itself.
		err = asNobody(func() error { return limit(pid, memory) })
	}
	if e := unix.Setpriority(unix.PRIO_PROCESS, pid, niceness); e != nil {
		err = errors.Join(err, fmt.Errorf("priority of process %d: %w", pid, e))
	}
	// A kernel without I/O priorities refuses; nothing is lost then.
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioProcess, uintptr(pid), ioIdle)
	if e := os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte(oomScore), 0); e != nil {
		err = errors.Join(err, e)
	}
	return err
}

func limit(pid int, memory uint64) error {
	for _, l := range []struct {
		name     string
		resource int
		to       uint64
	}{
		{"data", unix.RLIMIT_DATA, memory},
		{"address space", unix.RLIMIT_AS, memory + mappings},
		{"processor time", unix.RLIMIT_CPU, cpuSeconds},
		{"written files", unix.RLIMIT_FSIZE, 0},
		{"core", unix.RLIMIT_CORE, 0},
		{"open files", unix.RLIMIT_NOFILE, openFiles},
	} {
		if err := unix.Prlimit(pid, l.resource, &unix.Rlimit{Cur: l.to, Max: l.to}, nil); err != nil {
			return fmt.Errorf("limit %s of process %d: %w", l.name, pid, err)
		}
	}
	return nil
}

// asNobody calls f on a thread that is nobody, which ends afterwards.
func asNobody(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()                                                   // and never unlocked: the thread ends with the goroutine
		for _, call := range []uintptr{unix.SYS_SETRESGID, unix.SYS_SETRESUID} { // of the thread alone
			if _, _, e := unix.RawSyscall(call, nobody, nobody, nobody); e != 0 {
				done <- fmt.Errorf("become nobody: %w", e)
				return
			}
		}
		done <- f()
	}()
	return <-done
}

// killGroup kills a child and what it started.
func killGroup(pid int) { _ = unix.Kill(-pid, unix.SIGKILL) } // it may have ended by itself
