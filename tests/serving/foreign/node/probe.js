// What grpc_health_probe sends, by the health client of the gRPC authors' own npm package, with the
// exit codes of that tool:
//
//   node probe.js ADDRESS DEADLINE_MILLISECONDS [SERVICE]
//
// 0 serving; 1 wrong arguments; 2 no connection; 3 the call failed; 4 not serving.
"use strict";

const grpc = require("@grpc/grpc-js");
const { service: health } = require("grpc-health-check");

const [address, deadlineMilliseconds, service = ""] = process.argv.slice(2);
if (!address || !(Number(deadlineMilliseconds) > 0)) {
  process.exit(1);
}
const Client = grpc.makeGenericClientConstructor(health, "Health");
const client = new Client(address, grpc.credentials.createInsecure());
const deadline = Date.now() + Number(deadlineMilliseconds);

client.waitForReady(deadline, (unreachable) => {
  if (unreachable) {
    console.log(unreachable.message);
    process.exit(2);
  }
  client.check({ service }, { deadline }, (error, answer) => {
    console.log(error ? grpc.status[error.code] : answer.status);
    process.exit(error ? 3 : answer.status === "SERVING" ? 0 : 4);
  });
});
