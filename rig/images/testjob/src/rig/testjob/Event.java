package rig.testjob;

/** One element. A class with public fields, which Flink serializes field by field. */
public class Event {
    /** Which of the {@link Numbers#PARTITIONS} sequences it belongs to. */
    public int partition;

    /** Its place there, from 0 without a hole. */
    public long sequence;

    /** How many source subtasks there were when it was emitted. */
    public int sources;

    /** What "count" had counted of its partition before it. */
    public long counted;

    /** A number of its own, unique over all partitions: with one source subtask they come as 0, 1, 2, … */
    public long number() {
        return sequence * Numbers.PARTITIONS + partition;
    }
}
