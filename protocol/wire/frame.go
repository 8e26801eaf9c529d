package wire

//msgp:tuple frame message update entry record
//msgp:limit arrays:1024 maps:0

// frame is one datagram's content.
type frame struct {
	Cluster uint64
	Sender  uint8
	Life    uint64
	ID      uint64 // of the message, within the life
	Part    uint16 // from 0
	Parts   uint16
	Payload []byte `msg:",limit=65536"` // a message, or this part of one
}

// message is a protocol.Message as it travels. Which of the bodies it has is the kind's.
type message struct {
	Kind    uint8
	State   uint8
	Store   uint64
	View    uint64
	Seq     uint64
	ARU     uint64
	Updates []update
	Entries []entry
	Formed  bool
	Format  uint8
	Stores  []uint64 // of a roster, from server 1
	Sum     uint64   // of a snapshot, whose part it is
	Size    uint64
	Offset  uint64
	Bytes   []byte `msg:",limit=65536"`
}

type update struct {
	Client    uint32
	Server    uint8
	Kind      uint8
	Timestamp uint64
	Session   uint64
	Op        []byte `msg:",limit=4194304"`
}

type entry struct {
	Seq     uint64
	View    uint64
	Ordered bool
	Updates []update
}

// record is a protocol.Record as it is stored.
type record struct {
	Kind    uint8
	Lazy    bool
	View    uint64
	Seq     uint64
	Held    bool // there is a batch, of these updates
	Updates []update
	Format  uint8
	Stores  []uint64 // of a roster, from server 1
	// Of a snapshot: its body, and what is held above it.
	Snapshot []byte  `msg:",limit=268435456"`
	Open     []entry `msg:",limit=16384"`
}
