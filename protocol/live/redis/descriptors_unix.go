//go:build unix

package redis

import "syscall"

// descriptors is how many files and sockets this process may have open, 0 where nobody says.
func descriptors() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return uint64(limit.Cur)
}
