// The debug adapter, driven by the client that VS Code's own adapters are tested with.
const assert = require('assert');
const fs = require('fs');
const { DebugClient } = require('@vscode/debugadapter-testsupport');

const python = process.env.TRACEDBG_TEST_PYTHON;
const program = process.env.TRACEDBG_TEST_PROGRAM;
const line = mark => 1 + fs.readFileSync(program, 'utf8').split('\n').findIndex(text => text.endsWith(`# @${mark}`));
const seconds = 60_000;

describe('tracedbg dap', function () {
  this.timeout(seconds);
  let client;

  beforeEach(async () => {
    client = new DebugClient(python, process.env.TRACEDBG_TEST_MAIN, 'tracedbg', { env: process.env });
    client.defaultTimeout = seconds;
    await client.start();
  });
  afterEach(() => client.stop());

  const launch = { program, cwd: process.env.TRACEDBG_TEST_FOLDER };

  async function begin(configure) {
    const configured = client.waitForEvent('initialized').then(configure).then(() => client.configurationDoneRequest());
    const { body } = await client.initializeRequest();
    await Promise.all([configured, client.launchRequest(launch)]);
    return body;
  }

  const stopsAt = (...lines) => client.setBreakpointsRequest({ source: { path: program }, breakpoints: lines });

  it('runs a program to its end, with its output and exit code', async () => {
    const exited = client.waitForEvent('exited');
    await Promise.all([
      client.configurationSequence(),
      client.launch(launch),
      client.waitForEvent('terminated'),
      client.assertOutput('stdout', 'the end'),
    ]);
    assert.strictEqual((await exited).body.exitCode, 3);
  });

  it('stops at a line inside a compiled function', () =>
    client.hitBreakpoint(launch, { path: program, line: line('inside'), verified: false }));

  it('shows stack, scopes, variables, values and memory there', async () => {
    const stopped = client.waitForEvent('stopped');
    await begin(() => stopsAt({ line: line('inside'), condition: 'float(h.sum()) > 20' }));
    const { threadId } = (await stopped).body;
    const { stackFrames } = (await client.stackTraceRequest({ threadId })).body;
    assert.deepStrictEqual([stackFrames[0].name, stackFrames[0].line], ['block', line('inside')]);
    const frameId = stackFrames[0].id;
    const { scopes } = (await client.scopesRequest({ frameId })).body;
    const locals = scopes.find(scope => scope.name === 'Locals');
    const { variables } = (await client.variablesRequest({ variablesReference: locals.variablesReference })).body;
    const h = variables.find(variable => variable.name === 'h');
    assert.strictEqual(h.value, 'float32[2, 3] cpu  min 6 max 6 mean 6  [6.0, 6.0, 6.0, 6.0, 6.0, 6.0]');
    const memory = await client.customRequest('readMemory', { memoryReference: h.memoryReference, count: 4 });
    assert.strictEqual(Buffer.from(memory.body.data, 'base64').readFloatLE(0), 6);
    const value = await client.evaluateRequest({ expression: 'h.sum().item()', frameId });
    assert.strictEqual(value.body.result, '36.0');
    await assert.rejects(client.evaluateRequest({ expression: 'nope', frameId }), /NameError: name 'nope' is not defined/);
    assert((await client.threadsRequest()).body.threads.some(thread => thread.name === 'MainThread'));
  });

  it('steps by ops, lists them, and stops at one by its address', async () => {
    let stopped = client.waitForEvent('stopped');
    await begin(() => client.setFunctionBreakpointsRequest({ breakpoints: [{ name: '*relu*' }] }));
    let event = await stopped;
    assert.strictEqual(event.body.reason, 'function breakpoint');
    const { threadId } = event.body;
    const top = async () => (await client.stackTraceRequest({ threadId })).body.stackFrames[0];
    const memoryReference = (await top()).instructionPointerReference;
    await client.setFunctionBreakpointsRequest({ breakpoints: [] });
    stopped = client.waitForEvent('stopped');
    await client.nextRequest({ threadId, granularity: 'instruction' });
    event = await stopped;
    assert.strictEqual(event.body.reason, 'step');
    const { instructions } = (await client.disassembleRequest({ memoryReference, instructionOffset: -3, instructionCount: 8 })).body;
    assert.strictEqual(instructions.length, 8);
    assert.strictEqual(instructions[3].address, memoryReference);
    assert.match(instructions[3].instruction, /relu/);
    assert(instructions.every((one, at) => at === 0 || BigInt(one.address) > BigInt(instructions[at - 1].address)));
    await client.customRequest('setInstructionBreakpoints', { breakpoints: [{ instructionReference: memoryReference }] });
    stopped = client.waitForEvent('stopped');
    await client.continueRequest({ threadId });
    event = await stopped;
    assert.strictEqual(event.body.reason, 'instruction breakpoint');
    assert.strictEqual((await top()).instructionPointerReference, memoryReference);
  });

  it('stops at the first NaN, and tells of it', async () => {
    const stopped = client.waitForEvent('stopped');
    await begin(() => client.setExceptionBreakpointsRequest({ filters: ['nan'] }));
    const { threadId, reason } = (await stopped).body;
    assert.strictEqual(reason, 'exception');
    assert.strictEqual((await client.stackTraceRequest({ threadId })).body.stackFrames[0].line, line('bad'));
    const { exceptionId, description } = (await client.exceptionInfoRequest({ threadId })).body;
    assert.strictEqual(exceptionId, 'nan');
    assert.match(description, /has made a NaN/);
  });

  it('logs instead of stopping', async () => {
    const logged = client.assertOutput('console', 'turn 0');
    await begin(() => stopsAt({ line: line('loop'), logMessage: 'turn {k}' }));
    await Promise.all([logged, client.waitForEvent('terminated')]);
  });

  it('tells why functions were traced', async () => {
    const stopped = client.waitForEvent('stopped');
    await begin(() => stopsAt({ line: line('inside') }));
    await stopped;
    const { traces } = (await client.customRequest('tracedbg/traces', {})).body;
    assert.deepStrictEqual([traces[0].function, traces[0].causes[0].kind], ['block', 'first_call']);
  });

  it('starts the program again', async () => {
    let stopped = client.waitForEvent('stopped');
    const { supportsRestartRequest } = await begin(() => stopsAt({ line: line('inside') }));
    assert.strictEqual(supportsRestartRequest, true);
    await stopped;
    const again = client.waitForEvent('initialized').then(() => stopsAt({ line: line('inside') })).then(() => client.configurationDoneRequest());
    stopped = client.waitForEvent('stopped');
    await Promise.all([client.restartRequest({}), again]);
    assert.strictEqual((await stopped).body.reason, 'breakpoint');
  });

  it('refuses what it does not know', async () => {
    await begin(() => {});
    await assert.rejects(client.customRequest('nonsense', {}), /unknown request 'nonsense'|the program has ended/);
  });
});
