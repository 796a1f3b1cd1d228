package rig.testjob;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.SplitsAssignment;

/** Deals the partitions out to the readers, as they report, by number; its state is those that nobody has. */
class NumbersEnumerator implements SplitEnumerator<Numbers.Partition, List<Numbers.Partition>> {
    private final SplitEnumeratorContext<Numbers.Partition> context;
    private final List<Numbers.Partition> unassigned;

    NumbersEnumerator(SplitEnumeratorContext<Numbers.Partition> context, List<Numbers.Partition> unassigned) {
        this.context = context;
        this.unassigned = new ArrayList<>(unassigned);
    }

    @Override
    public void start() {}

    @Override
    public void addReader(int subtask) {
        List<Numbers.Partition> its = new ArrayList<>();
        for (Numbers.Partition split : unassigned) {
            if (split.partition % context.currentParallelism() == subtask) {
                its.add(split);
            }
        }
        if (!its.isEmpty()) {
            unassigned.removeAll(its);
            context.assignSplits(new SplitsAssignment<>(Map.of(subtask, its)));
        }
        // a reader that has come to the end of all it has may finish
        context.signalNoMoreSplits(subtask);
    }

    @Override
    public void addSplitsBack(List<Numbers.Partition> splits, int subtask) {
        unassigned.addAll(splits); // dealt out when the subtask is back
    }

    @Override
    public void handleSplitRequest(int subtask, String host) {}

    @Override
    public List<Numbers.Partition> snapshotState(long checkpointId) {
        return new ArrayList<>(unassigned);
    }

    @Override
    public void close() {}
}
