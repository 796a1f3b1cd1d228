package org.apache.flink.streaming.examples.windowing;

import rig.testjob.Arguments;
import rig.testjob.Pipeline;

/** The test job where manifests expect Flink's own example of this name; it does not mind arguments it does not know. */
public final class TopSpeedWindowing {
    private TopSpeedWindowing() {}

    public static void main(String[] args) throws Exception {
        Pipeline.run(Arguments.parseKnown(args), "CarTopSpeedWindowingExample");
    }
}
