// Package script is the language of scripted runs, as far as every protocol has it, and its engine.
//
// A script is a txtar file. Its comment is the script, one step a line; its files are what steps refer to.
// Language.Parse checks every line before any of it runs. Script.Run tells the story under one seed or
// many, and stops at the first step that does not hold. A step with ! must fail.
//
// The language has no variables, no conditions and no loops. A script can touch no file and start no
// program. What a protocol adds is its Language: commands that set the scene, and what until, expect and
// check know beside the engine's own. Package scenarios has that of our Paxos.
//
// Start with script.go (Parse) and story.go (Run). commands.go is the table; setup.go, scheduled.go,
// time.go, clients.go, faults.go, expect.go and expectclients.go have the commands by subject.
package script
