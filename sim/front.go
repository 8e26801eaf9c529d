package sim

import "context"

// Sweep draws and runs the plan of each seed, many at once. It ends early, between runs,
// when the context does.
func Sweep(ctx context.Context, o SweepOptions) *Summary {
	run := func(p *Plan) *Report { return Run(p) }
	return SweepSeeds(ctx, Subject{Target: &PaxosTarget, Run: run, Effects: PaxosEffects, Strict: true}, o)
}
