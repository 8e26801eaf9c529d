// Package mutants keeps planted bugs and shows that the checks see them.
//
// A checker that never complains may be right or blind, and a passing sweep does not tell which. So
// each bug that the checks must see is kept as a patch against the sources,
// testdata/mutants/NAME.patch. It is built, and the ordinary sweep of the ordinary swarm is run on
// the result until a property is violated. There is no setting per mutant: they must be found by
// what checks the code that has no known bug.
//
// The life of a mutant:
//
//  1. [Load] reads the patches and refuses one whose header is not complete.
//  2. [Mutant.Build] applies the patch in memory and hands `go build` the changed files as
//     an overlay. So neither the tree nor a copy of it is touched. [BuildTogether] puts all
//     mutants that change nothing but bodies of functions into one binary.
//  3. [Mutant.Hunt] sweeps with that binary. A panic of the machine is not a catch: what
//     is measured is the properties, and a panic says only that the machine watches itself.
//  4. [Table] shows what caught what.
//
// # The patch
//
// A unified diff with a/ and b/ before paths that start at the root of the repository. Before
// it stands a header (each line may start with #):
//
//	Title: Accept leaves before the proposal is durable
//	Expect: S5, S1
//	Story: A crash right after the Accept loses what a majority was counted on. The
//	  story may go on in lines that are indented.
//
// Expect lists properties: one of them must catch the mutant. If another one catches it, that is a
// finding too: either the story is wrong or the list is (see [Mutant.Expects]).
//
// A hunk must find its lines exactly. They may have moved, since most edits of a file have nothing
// to do with the mutant. But then they must occur only once. Otherwise the patch is stale: somebody
// must read what it breaks, and write it again.
package mutants
