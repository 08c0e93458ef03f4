// The panel's page.
import { startPanel } from '../../src/ui/panel-start';

startPanel();
