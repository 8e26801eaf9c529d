package store

//go:generate go tool -modfile=../../../tools.mod msgp -file meta.go -o meta_gen.go -tests=false -io=false -unexported

//msgp:tuple meta
//msgp:limit arrays:16 maps:0

// meta says whose store this is.
type meta struct {
	Format  uint64
	Cluster uint64
	Server  uint8
	Servers uint8
	Store   uint64
}
