#!/usr/bin/env bash
# A sweep on a Slurm cluster: each task of the array sweeps one shard.
#
#	sbatch sweep-array.sh                      # 64 shards
#	SEEDS=10000000 sbatch --array=1-256 sweep-array.sh
#
# A task that finds something exits with status 1. Its plans are in the folder of its shard.
#SBATCH --job-name=paxos-sweep
#SBATCH --array=1-64
#SBATCH --cpus-per-task=2
#SBATCH --mem=2G
#SBATCH --time=02:00:00
#SBATCH --output=paxos-sweep-%A-%a.log
set -euo pipefail

if [ "$SLURM_ARRAY_TASK_MIN" -ne 1 ] || [ "$SLURM_ARRAY_TASK_MAX" -ne "$SLURM_ARRAY_TASK_COUNT" ]; then
	echo "shards count from 1, without a gap: --array=1-N" >&2
	exit 2
fi
exec paxos sweep --seeds "${SEEDS:-1000000}" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --jobs "$SLURM_CPUS_PER_TASK" --shrink --json --out "failures/$SLURM_ARRAY_JOB_ID/shard-$SLURM_ARRAY_TASK_ID"
