// Made hdr_js.hlog, with hdr-histogram-js 3.0.1 from npm: node make_hdr_js.js >hdr_js.hlog
// The squares of 1 .. 1000, each so many times as its root, and a minute 5e9 times; tagged
// "coarse", of two significant digits, 1000, 2000 .. 100000000; an empty one.
const hdr = require("hdr-histogram-js");
const options = { lowestDiscernibleValue: 1, highestTrackableValue: 3600000000000,
                  useWebAssembly: false, bitBucketSize: 64 };
const writer = new hdr.HistogramLogWriter((text) => process.stdout.write(text));
writer.outputLogFormatVersion();
writer.outputStartTime(1700000000000);
writer.outputLegend();
const fine = hdr.build({ ...options, numberOfSignificantValueDigits: 3 });
for (let value = 1; value <= 1000; value++) fine.recordValueWithCount(value * value, value);
fine.recordValueWithCount(60000000000, 5000000000);
writer.outputIntervalHistogram(fine, 1700000000, 1700000001.5, 1000000);
const coarse = hdr.build({ ...options, numberOfSignificantValueDigits: 2 });
for (let value = 1000; value <= 100000000; value += 1000) coarse.recordValue(value);
coarse.tag = "coarse";
writer.outputIntervalHistogram(coarse, 1700000001.5, 1700000002.5, 1000000);
const empty = hdr.build({ ...options, numberOfSignificantValueDigits: 3 });
writer.outputIntervalHistogram(empty, 1700000002.5, 1700000003.5, 1000000);
