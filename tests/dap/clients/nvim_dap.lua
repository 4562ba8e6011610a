-- nvim-dap in a Neovim without a screen: a breakpoint inside a compiled function, values, ops by its REPL's means.
vim.opt.runtimepath:prepend(vim.env.TRACEDBG_TEST_NVIM_DAP)
local dap = require('dap')
local program = vim.env.TRACEDBG_TEST_PROGRAM

local function fail(text)
  io.stderr:write(text .. '\n')
  vim.cmd('cquit 1')
end

local function wait(what, condition)
  if not vim.wait(120000, condition, 20) then
    fail('waited in vain for ' .. what)
  end
end

local function same(found, wanted)
  if found ~= wanted then
    fail('found ' .. vim.inspect(found) .. ', wanted ' .. vim.inspect(wanted))
  end
end

dap.adapters.tracedbg = { type = 'executable', command = vim.env.TRACEDBG_TEST_PYTHON, args = { vim.env.TRACEDBG_TEST_MAIN } }
local stops, exit_code = {}, nil
dap.listeners.before['event_stopped']['test'] = function(_, body) table.insert(stops, body) end
dap.listeners.before['event_exited']['test'] = function(_, body) exit_code = body.exitCode end

vim.cmd('edit ' .. program)
local line
for number, text in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
  if text:match('# @inside$') then line = number end
end
vim.api.nvim_win_set_cursor(0, { line, 0 })
dap.set_breakpoint()
dap.run({ type = 'tracedbg', request = 'launch', name = 'test', program = program, cwd = vim.env.TRACEDBG_TEST_FOLDER })

local function frame()
  local session = dap.session()
  return session and session.current_frame
end

local function ask(command, arguments)
  local failure, answer, is_done
  dap.session():request(command, arguments, function(err, result)
    failure, answer, is_done = err, result, true
  end)
  wait(command, function() return is_done end)
  if failure then fail(command .. ': ' .. vim.inspect(failure)) end
  return answer
end

local function say(text)
  return ask('evaluate', { expression = text, frameId = frame().id, context = 'repl' }).result
end

wait('the first stop', function() return #stops == 1 and frame() end)
same(frame().line, line)
same(vim.api.nvim_win_get_cursor(0)[1], line)
same(say('tuple(h.shape)'), '(2, 3)')
same(say('%ops'):match('^block %[(.-)%]') ~= nil, true)

dap.step_over({ granularity = 'instruction' })
wait('the op', function() return #stops == 2 and frame() end)
same(stops[2].reason, 'step')

say('%graph')
wait('the next call', function() return #stops == 3 and frame() end)
dap.clear_breakpoints()
wait('the breakpoint to go', function() return say('%breaks') == 'none' end)
dap.continue()
wait('the end', function() return exit_code ~= nil end)
same(exit_code, 3)
print('nvim-dap is content')
vim.cmd('qall!')
