// A till in JavaScript, as somebody with nothing but the .proto files would write it.
//
//   node lane.js ADDRESS DEADLINE_MILLISECONDS PROTO_FOLDERS PHOTO   assess one photo
//   node lane.js ADDRESS DEADLINE_MILLISECONDS PROTO_FOLDERS         open a stream for one customer
//
// PROTO_FOLDERS, parted by ":", hold agelane/v1 and google/rpc. Prints one JSON object.
"use strict";

const fs = require("fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [address, deadlineMilliseconds, folders, photo] = process.argv.slice(2);
const files = ["agelane/v1/checkout.proto", "google/rpc/status.proto", "google/rpc/error_details.proto"];
const definition = loader.loadSync(files, {
  includeDirs: folders.split(":"),
  defaults: true,
  enums: String,
  json: true, // unpacks the details of a status
  keepCase: true,
  longs: String,
});
const { CheckoutService } = grpc.loadPackageDefinition(definition).agelane.v1;
const client = new CheckoutService(address, grpc.credentials.createInsecure());
const options = { deadline: Date.now() + Number(deadlineMilliseconds) };

function print(error, answer) {
  console.log(JSON.stringify(error ? failure(error) : { code: "OK", ...answer }));
  client.close();
}

function failure(error) {
  const [packed] = error.metadata.get("grpc-status-details-bin");
  const details = packed ? definition["google.rpc.Status"].deserialize(packed).details : [];
  return { code: grpc.status[error.code], message: error.details, details };
}

if (photo) {
  client.AssessCustomer({ photo: fs.readFileSync(photo) }, options, print);
} else {
  const stream = client.AssessCustomerStream(options);
  const answers = [];
  stream.on("data", (answer) => answers.push(answer));
  stream.on("error", () => {}); // the status comes too
  stream.on("status", (status) => print(status.code ? status : null, { answers }));
  stream.write({ customer_start: { lane_id: "lane-3" } });
  stream.end();
}
