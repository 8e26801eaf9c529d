//go:build !unix

package redis

// descriptors is how many files and sockets this process may have open, 0 where nobody says.
func descriptors() uint64 { return 0 }
