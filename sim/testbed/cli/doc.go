// Package cli has what the command lines of all protocols share. That is the layout of output, the tables
// of faults and effects, and the folder that keeps a failure. The program of our Paxos uses it, and so
// does that of any other protocol (testbed.Main).
package cli
