// Package history is what clients saw: it reads and writes histories, and judges them.
//
// An Operation is one line of a history. Read and Write use JSON lines, ReadJepsen reads Jepsen's logs of a
// register. Linearizable searches for an order that explains all answers (porcupine does the search);
// Holds checks an order that somebody claims, in one pass. Visualize writes porcupine's page. Legal judges
// a history by a model of the caller's.
//
// Nothing here knows a protocol or a run: only the history is looked at.
package history
