package org.apache.flink.streaming.examples.statemachine;

import rig.testjob.Arguments;
import rig.testjob.Pipeline;

/**
 * The test job where manifests expect Flink's own example of this name. As that one does, it takes a checkpoint every
 * two seconds unless the configuration says otherwise, and it does not mind arguments that it does not know.
 */
public final class StateMachineExample {
    private StateMachineExample() {}

    public static void main(String[] args) throws Exception {
        Pipeline.run(Arguments.parseKnown(args).withCheckpointMillis(2000), "State machine job");
    }
}
