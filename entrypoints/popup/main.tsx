// The popup's page.
import { startPopup } from '../../src/ui/start';

void startPopup();
