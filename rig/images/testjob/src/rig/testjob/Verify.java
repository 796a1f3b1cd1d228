package rig.testjob;

import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees every element, checks it against its own count and that of "count", and reports. Everything it reports about the
 * past is in its state, so the figures go on over restarts; those named "restored…" and "attempt" tell of this run.
 */
class Verify extends ProcessFunction<Event, Event> implements CheckpointedFunction {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(Verify.class);

    private final long failAfter;
    private final long failOnceAfter;
    private final long failEvery;
    private final long snapshotMillis;
    private final boolean failSnapshot;

    /** What is kept: the totals, then the count of each partition. */
    private transient ListState<long[]> kept;

    private transient long[] expected;
    private transient long processed;
    private transient long first;
    private transient long last;
    private transient long gaps;
    private transient long duplicates;
    private transient long foreignCounts;

    private transient long restoredCheckpointId;
    private transient long restoredProcessed;
    private transient long inThisRun;
    private transient int sources;
    private transient LongCounter[] accumulators;

    Verify(Arguments arguments) {
        failAfter = arguments.number("fail-after");
        failOnceAfter = arguments.number("fail-once-after");
        failEvery = arguments.number("fail-every");
        snapshotMillis = arguments.number("snapshot-ms");
        failSnapshot = arguments.flag("fail-snapshot");
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        kept = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("verify", long[].class));
        expected = new long[Numbers.PARTITIONS];
        first = -1;
        last = -1;
        restoredCheckpointId = -1;
        for (long[] state : kept.get()) {
            processed = state[0];
            first = state[1];
            last = state[2];
            gaps = state[3];
            duplicates = state[4];
            foreignCounts = state[5];
            expected = Arrays.copyOfRange(state, 6, 6 + Numbers.PARTITIONS);
            // only where there was something of this task's: a snapshot without it restores nothing here
            restoredCheckpointId = context.getRestoredCheckpointId().orElse(-1);
        }
        restoredProcessed = processed;
    }

    @Override
    public void open(OpenContext context) {
        gauge("processed", () -> processed);
        gauge("first", () -> first);
        gauge("last", () -> last);
        gauge("gaps", () -> gaps);
        gauge("duplicates", () -> duplicates);
        gauge("foreignCounts", () -> foreignCounts);
        gauge("restored", () -> restoredCheckpointId >= 0 ? 1L : 0L);
        gauge("restoredCheckpointId", () -> restoredCheckpointId);
        gauge("restoredProcessed", () -> restoredProcessed);
        long attempt = getRuntimeContext().getTaskInfo().getAttemptNumber();
        gauge("attempt", () -> attempt);
        gauge("sources", () -> (long) sources);
        String[] names = {
            "processed", "first", "last", "gaps", "duplicates", "foreignCounts", "restoredCheckpointId", "restoredProcessed"
        };
        accumulators = new LongCounter[names.length];
        for (int i = 0; i < names.length; i++) {
            accumulators[i] = new LongCounter();
            getRuntimeContext().addAccumulator(names[i], accumulators[i]);
        }
        accumulate();
        if (restoredCheckpointId >= 0) {
            LOG.info("restored from checkpoint {}: processed={} last={}", restoredCheckpointId, processed, last);
        } else {
            LOG.info("started without state");
        }
    }

    private void gauge(String name, Gauge<Long> value) {
        getRuntimeContext().getMetricGroup().gauge(name, value);
    }

    /** Accumulators come with heartbeats and outlive the job's end, which metrics do not. */
    private void accumulate() {
        long[] values = {processed, first, last, gaps, duplicates, foreignCounts, restoredCheckpointId, restoredProcessed};
        for (int i = 0; i < values.length; i++) {
            // one addition from the old value to the new: a reader in another thread never sees a zero in between
            accumulators[i].add(values[i] - accumulators[i].getLocalValuePrimitive());
        }
    }

    @Override
    public void processElement(Event event, Context context, Collector<Event> out) {
        long want = expected[event.partition];
        if (event.sequence > want) {
            gaps++;
            LOG.error("gap in partition {}: {} where {} was due", event.partition, event.sequence, want);
        } else if (event.sequence < want) {
            duplicates++;
            LOG.error("duplicate in partition {}: {} where {} was due", event.partition, event.sequence, want);
        }
        if (event.counted != event.sequence) {
            foreignCounts++;
        }
        expected[event.partition] = event.sequence + 1;
        processed++;
        inThisRun++;
        sources = event.sources;
        first = first < 0 ? event.number() : Math.min(first, event.number());
        last = Math.max(last, event.number());
        accumulate();
        boolean fresh = restoredCheckpointId < 0;
        if (processed == failAfter || (processed == failOnceAfter && fresh) || inThisRun == failEvery) {
            throw new IllegalStateException("asked to fail after " + processed + " elements, " + inThisRun + " in this run");
        }
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        if (snapshotMillis > 0) {
            Thread.sleep(snapshotMillis);
        }
        if (failSnapshot) {
            throw new IllegalStateException("asked to fail every snapshot, this is " + context.getCheckpointId());
        }
        long[] state = new long[6 + Numbers.PARTITIONS];
        long[] totals = {processed, first, last, gaps, duplicates, foreignCounts};
        System.arraycopy(totals, 0, state, 0, totals.length);
        System.arraycopy(expected, 0, state, totals.length, expected.length);
        kept.update(List.of(state));
    }
}
