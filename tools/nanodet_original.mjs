// What the original NanoDet says, as TensorFlow.js runs it: the witness that the conversion to ONNX is right.
//
//     node nanodet_original.mjs NODE_MODULES FOLDER
//
// NODE_MODULES holds @tensorflow/tfjs-core, tfjs-converter and tfjs-backend-wasm 4.22.0. FOLDER holds nanodet.json,
// nanodet.bin and input.f32 (float32, 1 x 3 x 416 x 416); one file of float32 for each output is written beside them.

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [modules, folder] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), 'here.js'));
const tf = require('@tensorflow/tfjs-core');
const { loadGraphModel } = require('@tensorflow/tfjs-converter');
const wasm = require('@tensorflow/tfjs-backend-wasm');

const bytes = (name) => {
  const file = fs.readFileSync(path.join(folder, name));
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
};

wasm.setWasmPaths(path.join(modules, '@tensorflow/tfjs-backend-wasm/wasm-out/'));
await tf.setBackend('wasm');
const { modelTopology, weightsManifest } = JSON.parse(fs.readFileSync(path.join(folder, 'nanodet.json')));
const artifacts = { modelTopology, weightSpecs: weightsManifest[0].weights, weightData: bytes('nanodet.bin') };
const model = await loadGraphModel({ load: async () => artifacts });
const input = tf.tensor(new Float32Array(bytes('input.f32')), [1, 3, 416, 416]);
for (const output of model.execute(input)) {
  const [, cells, channels] = output.shape;
  fs.writeFileSync(path.join(folder, `${cells}x${channels}.f32`), Buffer.from((await output.data()).buffer));
}
