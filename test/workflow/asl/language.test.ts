import { expect } from 'chai';
import type { StateMachine } from '../../../modules/acquisition-workflow/definition/asl.ts';
import { VirtualClock } from '../../helpers/asl/clock.ts';
import { AslError } from '../../helpers/asl/errors.ts';
import { Execution, Tokens, type Dispatch, type ExecutionResult } from '../../helpers/asl/interpreter.ts';

/** The examples are those of the Amazon States Language's specification, in JSONata where it writes JSONPath. */
const START = Date.UTC(2026, 0, 1);
const ARN = 'arn:aws:states:eu-west-1:100000000003:stateMachine:example';

interface Run extends ExecutionResult {
  /** Seconds of the virtual clock that it took. */
  readonly seconds: number;
}

const run = async (machine: object, input: unknown = {}, dispatch: Dispatch = () => Promise.reject(new AslError('States.TaskFailed')), tokens = new Tokens()): Promise<Run> => {
  const clock = new VirtualClock(START);
  const whole = { Comment: '', QueryLanguage: 'JSONata', TimeoutSeconds: 1_000_000, ...machine } as unknown as StateMachine;
  const result = await new Execution({ machine: whole, input, name: 'one', stateMachineArn: ARN, dispatch, clock, tokens }).run();
  return { ...result, seconds: (clock.now() - START) / 1000 };
};

const task = (more: object = {}): object => ({
  Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:ec2:describeInstances', Arguments: {}, TimeoutSeconds: 60, Retry: [], Catch: [], End: true, ...more,
});

/** A dispatcher that fails with these errors, one a try, and answers then. */
const failing = (...errors: readonly string[]): Dispatch => {
  const left = [...errors];
  return () => {
    const error = left.shift();
    return error === undefined ? Promise.resolve('done') : Promise.reject(new AslError(error, `it was ${error}`));
  };
};

describe('the interpreter of the States Language', () => {
  it('passes data through, and puts in what a Pass says', async () => {
    const machine = {
      StartAt: 'No-op',
      States: {
        'No-op': { Type: 'Pass', Output: { 'x-datum': 0.381018, 'y-datum': '{% $states.input.y * 2 %}', whole: '{% $states.input %}', text: 'not {% an expression %}' }, Next: 'Done' },
        Done: { Type: 'Succeed' },
      },
    };
    const { status, output } = await run(machine, { y: 311.1 });
    expect({ status, output }).to.deep.equal({ status: 'SUCCEEDED', output: { 'x-datum': 0.381018, 'y-datum': 622.2, whole: { y: 311.1 }, text: 'not {% an expression %}' } });
  });

  it('takes the first rule of a Choice that holds, and the default when none does', async () => {
    const machine = {
      StartAt: 'DispatchEvent',
      States: {
        DispatchEvent: {
          Type: 'Choice',
          Choices: [
            { Condition: '{% $states.input.type != "Private" %}', Assign: { which: 'public' }, Next: 'End' },
            { Condition: '{% $states.input.value >= 20 and $states.input.value < 30 %}', Assign: { which: 'twenties' }, Next: 'End' },
          ],
          Default: 'End',
          Assign: { which: 'default' },
        },
        End: { Type: 'Succeed', Output: '{% $which %}' },
      },
    };
    const outputs = await Promise.all([{ type: 'Public' }, { type: 'Private', value: 22 }, { type: 'Private', value: 5 }].map(async (input) => (await run(machine, input)).output));
    expect(outputs).to.deep.equal(['public', 'twenties', 'default']);
  });

  it('fails with the error and cause that a Fail state names', async () => {
    const machine = { StartAt: 'FailState', States: { FailState: { Type: 'Fail', Error: 'ErrorA', Cause: '{% "Kaiju " & $states.input.what %}' } } };
    expect(await run(machine, { what: 'attack' })).to.include({ status: 'FAILED', error: 'ErrorA', cause: 'Kaiju attack' });
  });

  it('waits on the virtual clock', async () => {
    const machine = {
      StartAt: 'wait',
      States: { wait: { Type: 'Wait', Seconds: '{% $states.input.expiry %}', Next: 'End' }, End: { Type: 'Succeed', Output: '{% $now() %}' } },
    };
    const { output, seconds } = await run(machine, { expiry: 86_400 });
    expect({ output, seconds }).to.deep.equal({ output: '2026-01-02T00:00:00.000Z', seconds: 86_400 });
  });

  it('runs the branches of a Parallel at the same time, each with the whole input, and gives their outputs in their order', async () => {
    const branch = (name: string, seconds: number, field: string): object => ({
      StartAt: name,
      States: { [name]: { Type: 'Wait', Seconds: seconds, Next: `${name}Done` }, [`${name}Done`]: { Type: 'Succeed', Output: `{% $states.input.${field} %}` } },
    });
    const machine = { StartAt: 'LookupCustomerInfo', States: { LookupCustomerInfo: { Type: 'Parallel', Branches: [branch('LookupAddress', 30, 'address'), branch('LookupPhone', 10, 'phone')], Catch: [], End: true } } };
    const { output, seconds } = await run(machine, { address: 'Seattle', phone: '206' });
    expect({ output, seconds }).to.deep.equal({ output: ['Seattle', '206'], seconds: 30 });
  });

  it('runs a Map over its items, no more at once than it says, and gives the outputs in the items\' order', async () => {
    const machine = {
      StartAt: 'Validate-All',
      States: {
        'Validate-All': {
          Type: 'Map',
          Items: '{% $states.input.detail.shipped %}',
          ItemSelector: { parcel: '{% $states.context.Map.Item.Value %}', index: '{% $states.context.Map.Item.Index %}', courier: '{% $states.input.detail.`delivery-partner` %}' },
          MaxConcurrency: 2,
          ItemProcessor: {
            ProcessorConfig: { Mode: 'INLINE' },
            StartAt: 'Validate',
            States: { Validate: { Type: 'Wait', Seconds: '{% $states.input.parcel.seconds %}', Next: 'Valid' }, Valid: { Type: 'Succeed', Output: '{% $states.input.courier & $string($states.input.index) & $states.input.parcel.prod %}' } },
          },
          Catch: [],
          End: true,
        },
      },
    };
    const shipped = [{ prod: 'R31', seconds: 50 }, { prod: 'S39', seconds: 10 }, { prod: 'R40', seconds: 20 }];
    const { output, seconds } = await run(machine, { detail: { 'delivery-partner': 'UQS', shipped } });
    expect({ output, seconds }).to.deep.equal({ output: ['UQS0R31', 'UQS1S39', 'UQS2R40'], seconds: 50 });
  });

  it('tries again after 3 and 4.5 seconds, then gives up, as the specification counts', async () => {
    const machine = { StartAt: 'X', States: { X: task({ Retry: [{ ErrorEquals: ['States.Timeout'], IntervalSeconds: 3, MaxAttempts: 2, BackoffRate: 1.5 }] }) } };
    const all = await run(machine, {}, failing('States.Timeout', 'States.Timeout', 'States.Timeout'));
    expect({ status: all.status, error: all.error, seconds: all.seconds }).to.deep.equal({ status: 'FAILED', error: 'States.Timeout', seconds: 7.5 });
    const twice = await run(machine, {}, failing('States.Timeout', 'States.Timeout'));
    expect({ output: twice.output, seconds: twice.seconds }).to.deep.equal({ output: 'done', seconds: 7.5 });
  });

  it('counts each retrier on its own: errors A, B, C and B wait 1, 2 and 5 seconds, then go to the catcher', async () => {
    const machine = {
      StartAt: 'X',
      States: {
        X: task({
          Retry: [
            { ErrorEquals: ['ErrorA', 'ErrorB'], IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 2 },
            { ErrorEquals: ['ErrorC'], IntervalSeconds: 5, BackoffRate: 2, MaxAttempts: 3 },
          ],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Z' }],
        }),
        Z: { Type: 'Succeed' },
      },
    };
    const { status, output, seconds } = await run(machine, {}, failing('ErrorA', 'ErrorB', 'ErrorC', 'ErrorB'));
    expect({ status, output, seconds }).to.deep.equal({ status: 'SUCCEEDED', output: { Error: 'ErrorB', Cause: 'it was ErrorB' }, seconds: 8 });
  });

  it('looks through catchers in their order, and hands the error over', async () => {
    const catcher = (name: string): object => ({ ErrorEquals: [name], Assign: { seen: '{% $states.errorOutput.Error & ": " & $states.errorOutput.Cause %}' }, Output: { caught: name }, Next: 'Recover' });
    const machine = { StartAt: 'X', States: { X: task({ Catch: [catcher('java.lang.Exception'), catcher('States.ALL')] }), Recover: { Type: 'Succeed', Output: { seen: '{% $seen %}', input: '{% $states.input %}' } } } };
    expect((await run(machine, {}, failing('java.lang.Exception'))).output).to.deep.equal({ seen: 'java.lang.Exception: it was java.lang.Exception', input: { caught: 'java.lang.Exception' } });
    expect((await run(machine, {}, failing('Other'))).output).to.deep.equal({ seen: 'Other: it was Other', input: { caught: 'States.ALL' } });
  });

  it('lets States.ALL take in neither a result that is too large nor a runtime error', async () => {
    const machine = { StartAt: 'X', States: { X: task({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Z' }] }), Z: { Type: 'Succeed' } } };
    expect(await run(machine, {}, () => Promise.resolve('x'.repeat(262_145)))).to.include({ status: 'FAILED', error: 'States.DataLimitExceeded' });
    expect(await run(machine, {}, failing('States.Runtime'))).to.include({ status: 'FAILED', error: 'States.Runtime' });
  });

  it('ends a task at its timeout, whatever it is doing', async () => {
    const machine = { StartAt: 'X', States: { X: task({ TimeoutSeconds: '{% $states.input.limit %}', Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'Z' }] }), Z: { Type: 'Succeed', Output: 'late' } } };
    const slow: Dispatch = async ({ clock }) => {
      await clock.sleep(500, 'slow');
      return 'done';
    };
    const [inTime, late] = [await run(machine, { limit: 501 }, slow), await run(machine, { limit: 300 }, slow)];
    expect([inTime.output, late.output]).to.deep.equal(['done', 'late']);
  });

  it('ends the whole execution at its timeout', async () => {
    const machine = { TimeoutSeconds: 100, StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 10, Next: 'W' } } };
    expect(await run(machine)).to.include({ status: 'TIMED_OUT', seconds: 100 });
  });

  it('waits for the token it gave away, and ends with what it is given back', async () => {
    const waiting = task({ Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken', Arguments: { token: '{% $states.context.Task.Token %}' }, TimeoutSeconds: 3600, Catch: [{ ErrorEquals: ['Refused', 'States.Timeout'], Next: 'No' }] });
    const machine = { StartAt: 'Ask', States: { Ask: waiting, No: { Type: 'Succeed' } } };
    const answer = (act: (tokens: Tokens, token: string) => void): Promise<Run> => {
      const tokens = new Tokens();
      return run(machine, {}, ({ args }) => {
        act(tokens, (args as { token: string }).token);
        return Promise.resolve({});
      }, tokens);
    };
    expect((await answer((tokens, token) => tokens.success(token, { by: 'alice' }))).output).to.deep.equal({ by: 'alice' });
    expect((await answer((tokens, token) => tokens.failure(token, 'Refused', 'no'))).output).to.deep.equal({ Error: 'Refused', Cause: 'no' });
    const silent = await answer(() => undefined);
    expect([silent.output, silent.seconds]).to.deep.equal([{ Error: 'States.Timeout', Cause: 'Ask took longer than 3600 seconds' }, 3600]);
  });

  it('gives a waiting task up when its heartbeat stops, and not before', async () => {
    const waiting = task({ Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken', Arguments: { token: '{% $states.context.Task.Token %}' }, TimeoutSeconds: 3600, HeartbeatSeconds: 60 });
    const tokens = new Tokens();
    const beating: Dispatch = async ({ args, clock }) => {
      for (let beat = 0; beat < 3; beat++) {
        tokens.heartbeat((args as { token: string }).token);
        await clock.sleep(50, 'beat');
      }
      return {};
    };
    const { error, seconds } = await run({ StartAt: 'Ask', States: { Ask: waiting } }, {}, beating, tokens);
    expect({ error, seconds }).to.deep.equal({ error: 'States.HeartbeatTimeout', seconds: 160 });
  });

  it('lets a branch read the variables around it, and set none of them', async () => {
    const branch = (assign: object): object => ({ StartAt: 'In', States: { In: { Type: 'Pass', Assign: assign, Next: 'Out' }, Out: { Type: 'Succeed', Output: '{% $outer & $inner %}' } } });
    const machine = (assign: object): object => ({
      StartAt: 'Set',
      States: { Set: { Type: 'Pass', Assign: { outer: 'o' }, Next: 'P' }, P: { Type: 'Parallel', Branches: [branch(assign)], Catch: [], End: true } },
    });
    expect((await run(machine({ inner: '{% $outer & "i" %}' }))).output).to.deep.equal(['ooi']);
    expect(await run(machine({ inner: 'i', outer: 'x' }))).to.include({ status: 'FAILED', error: 'States.Runtime' });
  });

  it('evaluates output and variables of a state with what was there when it was entered', async () => {
    const machine = {
      StartAt: 'A',
      States: { A: { Type: 'Pass', Assign: { x: 1 }, Next: 'B' }, B: { Type: 'Pass', Assign: { x: '{% $x + 1 %}', y: '{% $x + 10 %}' }, Output: '{% $x %}', Next: 'C' }, C: { Type: 'Succeed', Output: '{% [$states.input, $x, $y] %}' } },
    };
    expect((await run(machine)).output).to.deep.equal([1, 2, 11]);
  });

  it('runs each item of a distributed Map as an execution of its own, which sees no variable, and tolerates failures', async () => {
    const machine = {
      StartAt: 'Set',
      States: {
        Set: { Type: 'Pass', Assign: { secret: 's' }, Next: 'M' },
        M: {
          Type: 'Map', Label: 'Each', Items: [1, 2, 3], ItemSelector: { n: '{% $states.context.Map.Item.Value %}' }, MaxConcurrency: 10, ToleratedFailurePercentage: 100, Catch: [], End: true,
          ItemProcessor: {
            ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
            StartAt: 'Odd',
            States: {
              Odd: { Type: 'Choice', Choices: [{ Condition: '{% $states.input.n = 2 %}', Next: 'Bad' }], Default: 'Good' },
              Bad: { Type: 'Fail', Error: 'Even', Cause: 'even' },
              Good: { Type: 'Succeed', Output: '{% {"n": $states.context.Execution.Input.n, "sees": $exists($secret), "id": $states.context.Execution.Id} %}' },
            },
          },
        },
      },
    };
    const id = (index: number): string => `arn:aws:states:eu-west-1:100000000003:execution:example/Each:one-${index}`;
    expect((await run(machine)).output).to.deep.equal([{ n: 1, sees: false, id: id(0) }, { n: 3, sees: false, id: id(2) }]);
  });

  it('turns an expression that fails, or gives nothing, into an error that can be caught', async () => {
    const machine = (args: string): object => ({ StartAt: 'X', States: { X: task({ Arguments: { a: args }, Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'Z' }] }), Z: { Type: 'Succeed', Output: 'caught' } } });
    for (const expression of ['{% $number("x") %}', '{% $states.input.nothing %}', '{% $eval("1") %}']) expect((await run(machine(expression))).output, expression).to.equal('caught');
  });

  it('knows the functions that Step Functions adds', async () => {
    const output = '{% [$hash("abc", "SHA-256"), $partition([1, 2, 3], 2), $range(0, 6, 3), $parse("{\\"a\\": 1}").a, $millis()] %}';
    expect((await run({ StartAt: 'S', States: { S: { Type: 'Succeed', Output: output } } })).output).to.deep.equal([
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', [1, 2], [3], 0, 3, 6, 1, START,
    ]);
  });
});
