-- nvim-dap: the adapter, and a configuration for Python files.
local dap = require('dap')

dap.adapters.tracedbg = { type = 'executable', command = 'tracedbg', args = { 'dap' } }

dap.configurations.python = dap.configurations.python or {}
table.insert(dap.configurations.python, {
  type = 'tracedbg',
  request = 'launch',
  name = 'tracedbg: this file',
  program = '${file}',
  cwd = '${workspaceFolder}',
})
